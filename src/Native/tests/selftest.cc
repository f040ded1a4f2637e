// Compares every kernel set that this processor can run with plain loops, bit for bit. For processors that .NET does not run on here:
// it is meant for emulators. Usage: mlq_selftest [names of the sets that must be available, and no other]
#include "plain.h"
#include "tests.h"

namespace {

const char* const kNames[] = {"avx2", "avx512", "avx512vnni", "neon"};
constexpr int kSets = 4;

bool TestSet(int isa) {
  mlq_kernel_table table;
  memset(&table, 0, sizeof table);
  table.struct_size = sizeof table;
  table.abi_version = MLQ_ABI_VERSION + 1;
  if (mlq_get_kernels(isa, &table) != MLQ_ABI_MISMATCH) {
    printf("a table of another version was accepted\n");
    failures++;
  }
  table.abi_version = MLQ_ABI_VERSION;
  const bool available = (mlq_available_isas() >> isa & 1) != 0;
  if ((mlq_get_kernels(isa, &table) == MLQ_OK) != available) {
    printf("%s: availability and table disagree\n", kNames[isa]);
    failures++;
  }
  if (!available) {
    return false;
  }
  state = 1;
  for (int i = 0; i < 60; i++) {
    TestFloat(table, kNames[isa], i, false);
    TestByte(table, kNames[isa], i, false);
    TestCodebook(table, kNames[isa], i);
    TestFloat(table, kNames[isa], i, true);
    TestByte(table, kNames[isa], i, true);
    TestJoin(table, kNames[isa], i);
    TestPools(table, kNames[isa], i);
    TestElements(table, kNames[isa], i);
    TestGrouped(table, kNames[isa], i);
    TestNarrow(table, kNames[isa], i);
    for (int j = 0; j < 4; j++) {
      TestPlanes(table, kNames[isa], 4 * i + j);
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  for (int isa = 0; isa < kSets; isa++) {
    const bool available = TestSet(isa);
    bool expected = argc < 2;
    for (int i = 1; i < argc; i++) {
      expected |= strcmp(argv[i], kNames[isa]) == 0;
    }
    printf("%s: %s\n", kNames[isa], available ? "tested" : "not available");
    if (argc > 1 && available != expected) {
      printf("%s: expected to be %s\n", kNames[isa], expected ? "available" : "absent");
      failures++;
    }
  }
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
