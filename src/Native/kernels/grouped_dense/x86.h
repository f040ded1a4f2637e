// Weights as unsigned bytes (weight + offset) times signed codes, on vectors of 256 or 512 bits.
#ifndef MLQ_GROUPED_DENSE_X86_H
#define MLQ_GROUPED_DENSE_X86_H

#include "kernels/common.h"

namespace {

#if defined(__AVX512BW__)
#define MLQ_REGISTER "v"
#define MLQ_WIDE(name) _mm512_##name
#define MLQ_AND _mm512_and_si512
#else
#define MLQ_REGISTER "x"
#define MLQ_WIDE(name) _mm256_##name
#define MLQ_AND _mm256_and_si256
#endif

struct Group {
#if defined(__AVX512VNNI__)
  static constexpr int kRows = 7;  // 14 integer and 14 float sums, 2 weights, 1 code
  static constexpr int kFewRows = 3;
#elif defined(__AVX512BW__)
  static constexpr int kRows = 6;
  static constexpr int kFewRows = 2;
#else
  static constexpr int kRows = 3;
  static constexpr int kFewRows = 1;
#endif

#if defined(__AVX512BW__)
  static constexpr int kFloatPairs = 2, kFloatRows = 6;  // 24 sums, 4 weights, 1 value
#else
  static constexpr int kFloatPairs = 1, kFloatRows = 4;
#endif

  static constexpr int Offset(int container) { return 1 << (container - 1); }

  template <int C>
  static MLQ_INLINE Simd::I Start(Simd::I sum) {
    return Simd::SubInt(Simd::ZeroInt(), MLQ_WIDE(slli_epi32)(sum, C - 1));
  }

  static MLQ_INLINE Simd::F Halves(const uint8_t* p) {
#if defined(__AVX512BW__)
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(const void*)p));
#else
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(const void*)p));
#endif
  }

  // The weights that lie `shift` bits up in each lane.
  template <int C>
  static MLQ_INLINE Simd::F Decode(Simd::I word, int shift) {
    const Simd::I shifted = MLQ_WIDE(srl_epi32)(word, _mm_cvtsi32_si128(shift));
#if defined(__AVX512BW__)
    if constexpr (C < 8) {  // a table of 16 floats is indexed by four bits
      const __m512 values = C == 4 ? _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7)
                                   : _mm512_setr_ps(-2, -1, 0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1, 0, 1);
      return _mm512_permutexvar_ps(shifted, values);
    }
#endif
    return Simd::ToFloat(Simd::SubInt(MLQ_AND(shifted, Simd::BroadcastInt((1 << C) - 1)), Simd::BroadcastInt(Offset(C))));
  }

  // Part f of a vector of bytes.
  template <int C>
  static MLQ_INLINE Simd::I Unpack(Simd::I bytes, int f) {
    return C == 8 ? bytes : MLQ_AND(f == 0 ? bytes : MLQ_WIDE(srli_epi16)(bytes, C * f), MLQ_WIDE(set1_epi8)((1 << C) - 1));
  }

#if defined(__AVX512VNNI__)
  static constexpr bool kHasHalves = true;
  static constexpr int Chunk(int) { return 0; }

  static MLQ_INLINE Simd::I Upper(Simd::I bytes) { return MLQ_AND(bytes, MLQ_WIDE(set1_epi8)((char)0xf0)); }

  static MLQ_INLINE Simd::I Sixteenth(Simd::I sum) { return MLQ_WIDE(srai_epi32)(sum, 4); }

  // Written out, because GCC 12 otherwise copies each sum from register to register.
  template <int C>
  static MLQ_INLINE void Multiply(Simd::I& sum, Simd::I w, Simd::I x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
  }

  static MLQ_INLINE Simd::I Widen(Simd::I sum, Simd::I part) { return Simd::AddInt(sum, part); }
#else
  static constexpr bool kHasHalves = false;

  // Sums of 16 bits hold a chunk: 32 / 4 * 2 * 15 * 127 = 30480. Bytes are split into their halves, so that nothing saturates.
  static constexpr int Chunk(int container) { return container == 8 ? 0 : 32; }

  template <int C>
  static MLQ_INLINE void Multiply(Simd::I& sum, Simd::I w, Simd::I x) {
    if constexpr (C == 8) {
      const Simd::I mask = MLQ_WIDE(set1_epi8)(15);
      const Simd::I low = MLQ_WIDE(maddubs_epi16)(MLQ_AND(w, mask), x);
      const Simd::I high = MLQ_WIDE(maddubs_epi16)(MLQ_AND(MLQ_WIDE(srli_epi16)(w, 4), mask), x);
      sum = Widen(sum, low);
      sum = Simd::AddInt(sum, MLQ_WIDE(madd_epi16)(high, MLQ_WIDE(set1_epi16)(16)));
    } else {
      sum = MLQ_WIDE(add_epi16)(sum, MLQ_WIDE(maddubs_epi16)(w, x));
    }
  }

  static MLQ_INLINE Simd::I Widen(Simd::I sum, Simd::I part) { return Simd::AddInt(sum, MLQ_WIDE(madd_epi16)(part, MLQ_WIDE(set1_epi16)(1))); }
#endif
};

}  // namespace

#endif
