// Compiled in and supported by this machine -> table. No vector code here: this file runs on every processor.
#include <string.h>

#include "kernels/entry_points.h"

#if defined(__x86_64__) && defined(MLQ_WITH_X86)
#include <cpuid.h>

namespace {

struct Registers {
  unsigned eax, ebx, ecx, edx;
};

Registers Leaf(unsigned leaf) {
  Registers r = {0, 0, 0, 0};
  if (!__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx)) {
    r = {0, 0, 0, 0};
  }
  return r;
}

// XCR0: which register states the operating system saves.
unsigned SavedStates(const Registers& leaf1) {
  if ((leaf1.ecx & bit_OSXSAVE) == 0) {
    return 0;
  }
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool All(unsigned value, unsigned bits) { return (value & bits) == bits; }

// Whether the processor counts bits in vectors of 512 bits; asked only where AVX-512 can be used.
bool CountsBits() { return All(Leaf(7).ecx, bit_AVX512VPOPCNTDQ); }

uint32_t Detect() {
  const Registers one = Leaf(1);
  const Registers seven = Leaf(7);
  const unsigned states = SavedStates(one);
  uint32_t isas = 0;
  if (All(states, 0x06) && All(one.ecx, bit_AVX | bit_FMA | bit_F16C) && All(seven.ebx, bit_AVX2)) {
    isas |= 1u << MLQ_ISA_AVX2;
    if (All(states, 0xE6) && All(seven.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ)) {
      isas |= 1u << MLQ_ISA_AVX512;
      if (All(seven.ecx, bit_AVX512VNNI)) {
        isas |= 1u << MLQ_ISA_AVX512VNNI;
      }
    }
  }
  return isas;
}

}  // namespace

#elif defined(__aarch64__) && defined(MLQ_WITH_NEON)
#include <sys/auxv.h>

namespace {

uint32_t Detect() {
  const unsigned long dot_product = 1ul << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & dot_product) != 0 ? 1u << MLQ_ISA_NEON : 0;
}

}  // namespace

#else

namespace {

uint32_t Detect() { return 0; }

}  // namespace

#endif

namespace {

bool Fill(int32_t isa, mlq_kernel_table* table) {
#define MLQ_SET_AVX2(name, result, parameters) table->name = mlq_avx2_##name;
#define MLQ_SET_AVX512(name, result, parameters) table->name = mlq_avx512_##name;
#define MLQ_SET_AVX512VNNI(name, result, parameters) table->name = mlq_avx512vnni_##name;
#define MLQ_SET_AVX512POPCNT(name, result, parameters) table->name = mlq_avx512popcnt_##name;
#define MLQ_SET_NEON(name, result, parameters) table->name = mlq_neon_##name;
  switch (isa) {
#if defined(MLQ_WITH_X86)
    case MLQ_ISA_AVX2:
      MLQ_KERNELS(MLQ_SET_AVX2)
      return true;
    case MLQ_ISA_AVX512:
      MLQ_KERNELS(MLQ_SET_AVX512)
      return true;
    case MLQ_ISA_AVX512VNNI:
      MLQ_KERNELS(MLQ_SET_AVX512)
      MLQ_KERNELS_VNNI(MLQ_SET_AVX512VNNI)
      if (CountsBits()) {
        MLQ_KERNELS_POPCNT(MLQ_SET_AVX512POPCNT)
      }
      return true;
#endif
#if defined(MLQ_WITH_NEON)
    case MLQ_ISA_NEON:
      MLQ_KERNELS(MLQ_SET_NEON)
      return true;
#endif
    default:
      return false;
  }
}

}  // namespace

extern "C" uint32_t mlq_available_isas(void) { return Detect(); }

extern "C" int32_t mlq_get_kernels(int32_t isa, mlq_kernel_table* table) {
  if (table->struct_size != sizeof(mlq_kernel_table) || table->abi_version != MLQ_ABI_VERSION) {
    return MLQ_ABI_MISMATCH;
  }
  if (isa < 0 || isa > 31 || ((Detect() >> isa) & 1) == 0) {
    return MLQ_ISA_UNAVAILABLE;
  }
  return Fill(isa, table) ? MLQ_OK : MLQ_ISA_UNAVAILABLE;
}
