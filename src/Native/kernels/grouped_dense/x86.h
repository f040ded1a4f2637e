// Weights as unsigned bytes (weight + offset) times signed codes, on vectors of 256 or 512 bits.
#ifndef MLQ_GROUPED_DENSE_X86_H
#define MLQ_GROUPED_DENSE_X86_H

#include "kernels/common.h"

namespace {

#if defined(__AVX512BW__)
#define MLQ_WIDE(name) _mm512_##name
#define MLQ_AND _mm512_and_si512
#else
#define MLQ_WIDE(name) _mm256_##name
#define MLQ_AND _mm256_and_si256
#endif

struct Group {
  static constexpr int kVectors = 1;
#if defined(__AVX512BW__)
  static constexpr int kRows = 12;  // 12 integer and 12 float sums, up to 4 weights, 1 code, constants
#else
  static constexpr int kRows = 4;
#endif

  static constexpr int Offset(int container) { return 1 << (container - 1); }

  template <int C>
  static MLQ_INLINE void Unpack(const uint8_t* packed, Simd::I (&w)[8 / C]) {
    const Simd::I bytes = Simd::LoadInt((const int32_t*)(const void*)packed);
    if constexpr (C == 8) {
      w[0] = bytes;
    } else {
      const Simd::I mask = MLQ_WIDE(set1_epi8)((1 << C) - 1);
      MLQ_UNROLL for (int f = 0; f < 8 / C; f++) { w[f] = MLQ_AND(f == 0 ? bytes : MLQ_WIDE(srli_epi16)(bytes, C * f), mask); }
    }
  }

#if defined(__AVX512VNNI__)
  template <int C>
  static MLQ_INLINE Simd::I Block(Simd::I acc, const Simd::I (&w)[8 / C], const Simd::I (&x)[8 / C]) {
    MLQ_UNROLL for (int f = 0; f < 8 / C; f++) { acc = _mm512_dpbusd_epi32(acc, w[f], x[f]); }
    return acc;
  }
#else
  // A 16-bit sum of a block reaches 4 * 2 * 3 * 127 or 2 * 2 * 15 * 127; bytes are split into their halves, so that nothing saturates.
  template <int C>
  static MLQ_INLINE Simd::I Block(Simd::I acc, const Simd::I (&w)[8 / C], const Simd::I (&x)[8 / C]) {
    const Simd::I one = MLQ_WIDE(set1_epi16)(1);
    if constexpr (C == 8) {
      const Simd::I mask = MLQ_WIDE(set1_epi8)(15);
      const Simd::I low = MLQ_WIDE(maddubs_epi16)(MLQ_AND(w[0], mask), x[0]);
      const Simd::I high = MLQ_WIDE(maddubs_epi16)(MLQ_AND(MLQ_WIDE(srli_epi16)(w[0], 4), mask), x[0]);
      acc = Simd::AddInt(acc, MLQ_WIDE(madd_epi16)(low, one));
      return Simd::AddInt(acc, MLQ_WIDE(madd_epi16)(high, MLQ_WIDE(set1_epi16)(16)));
    } else {
      Simd::I sum = MLQ_WIDE(maddubs_epi16)(w[0], x[0]);
      MLQ_UNROLL for (int f = 1; f < 8 / C; f++) { sum = MLQ_WIDE(add_epi16)(sum, MLQ_WIDE(maddubs_epi16)(w[f], x[f])); }
      return Simd::AddInt(acc, MLQ_WIDE(madd_epi16)(sum, one));
    }
  }
#endif
};

}  // namespace

#endif
