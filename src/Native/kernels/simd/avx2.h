// AVX2 vectors of eight 32-bit lanes.
#ifndef MLQ_SIMD_H
#define MLQ_SIMD_H

#include <immintrin.h>

#include "kernels/common.h"

namespace {

struct Simd {
  using F = __m256;
  using I = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 6;  // 12 accumulators, 2 weights, 1 broadcast: 15 of 16 registers

  static MLQ_INLINE F Load(const float* p) { return _mm256_loadu_ps(p); }
  static MLQ_INLINE void Store(float* p, F v) { _mm256_storeu_ps(p, v); }
  static MLQ_INLINE F Broadcast(float x) { return _mm256_set1_ps(x); }
  static MLQ_INLINE F Zero() { return _mm256_setzero_ps(); }
  static MLQ_INLINE F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static MLQ_INLINE F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static MLQ_INLINE F Div(F a, F b) { return _mm256_div_ps(a, b); }
  static MLQ_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
  // a > b ? a : b, so that b is given for equals and where one is NaN.
  static MLQ_INLINE F Larger(F a, F b) { return _mm256_max_ps(a, b); }
  // y < low ? low : y > high ? high : y. The second operand is returned when one is NaN: NaN passes.
  static MLQ_INLINE F Clamp(F y, F low, F high) { return _mm256_min_ps(high, _mm256_max_ps(low, y)); }

  static MLQ_INLINE I LoadInt(const int32_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
  static MLQ_INLINE void StoreInt(int32_t* p, I v) { _mm256_storeu_si256((__m256i*)p, v); }
  static MLQ_INLINE I BroadcastInt(int32_t x) { return _mm256_set1_epi32(x); }
  static MLQ_INLINE I ZeroInt() { return _mm256_setzero_si256(); }
  static MLQ_INLINE I AddInt(I a, I b) { return _mm256_add_epi32(a, b); }
  static MLQ_INLINE I SubInt(I a, I b) { return _mm256_sub_epi32(a, b); }
  static MLQ_INLINE I XorInt(I a, I b) { return _mm256_xor_si256(a, b); }
  static MLQ_INLINE I AndNotInt(I not_a, I b) { return _mm256_andnot_si256(not_a, b); }
  // v less 1 where a > b.
  static MLQ_INLINE I LessOneWhereGreater(I v, I a, I b) { return _mm256_add_epi32(v, _mm256_cmpgt_epi32(a, b)); }
  // A bit for each of 32 lanes, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterWord(const I (&a)[4], const I (&b)[4]) {
    const __m256i low = _mm256_packs_epi32(_mm256_cmpgt_epi32(a[0], b[0]), _mm256_cmpgt_epi32(a[1], b[1]));
    const __m256i high = _mm256_packs_epi32(_mm256_cmpgt_epi32(a[2], b[2]), _mm256_cmpgt_epi32(a[3], b[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order));
  }
  // A bit for each lane, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterMask(I a, I b) { return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b))); }
  static MLQ_INLINE F ToFloat(I v) { return _mm256_cvtepi32_ps(v); }
  // Nearest integer as a float, ties to even.
  static MLQ_INLINE F RoundFloat(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // Nearest integer, ties to even; NaN gives 0.
  static MLQ_INLINE I Round(F v) { return _mm256_cvtps_epi32(_mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q))); }

  static MLQ_INLINE I LoadU8(const uint8_t* p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)); }
  static MLQ_INLINE I LoadS16(const int16_t* p) { return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i*)p)); }
  static MLQ_INLINE I LoadS8(const int8_t* p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)); }
  static MLQ_INLINE void StoreU8(uint8_t* p, I v) {
    const __m128i words = Words(v);
    _mm_storel_epi64((__m128i*)p, _mm_packus_epi16(words, words));
  }
  static MLQ_INLINE void StoreS16(int16_t* p, I v) { _mm_storeu_si128((__m128i*)p, Words(v)); }

  // Two vectors of integers plus `zero`, as codes in [low, high] (each within [0, 255]), by saturating steps. The first `count` are written.
  struct CodeRange {
    __m256i zero;
    __m128i low, high;
    MLQ_INLINE CodeRange(int32_t zero_point, int32_t minimum, int32_t maximum)
        : zero(_mm256_set1_epi16((int16_t)zero_point)), low(_mm_set1_epi8((char)minimum)), high(_mm_set1_epi8((char)maximum)) {}
  };
  static MLQ_INLINE I Nearest(F v) { return _mm256_cvtps_epi32(v); }
  static MLQ_INLINE void StorePair(uint8_t* p, I a, I b, const CodeRange& range, int count) {
    const __m256i words = _mm256_adds_epi16(_mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8), range.zero);
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i codes = _mm_min_epu8(_mm_max_epu8(bytes, range.low), range.high);
    if (count == 16) {
      _mm_storeu_si128((__m128i*)p, codes);
    } else if (count == 8) {
      _mm_storel_epi64((__m128i*)p, codes);
    } else {
      alignas(16) uint8_t buffer[16];
      _mm_store_si128((__m128i*)buffer, codes);
      memcpy(p, buffer, (size_t)count);
    }
  }
  // Pairs of two rows, all of which are written.
  static MLQ_INLINE void StorePairs(uint8_t* first, uint8_t* second, const I (&a)[2], const I (&b)[2], const CodeRange& range) {
    StorePair(first, a[0], a[1], range, 2 * kLanes);
    StorePair(second, b[0], b[1], range, 2 * kLanes);
  }

  // Codes of 16 bits in vectors of twice as many lanes.
  using H = __m256i;
  // y > high ? high : y, no NaN.
  static MLQ_INLINE F Smaller(F y, F high) { return _mm256_min_ps(y, high); }
  // Both vectors one behind the other, cut off at the ends of 16 bits.
  static MLQ_INLINE H PackHalves(I a, I b) { return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8); }
  static MLQ_INLINE H LoadHalves(const int16_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
  static MLQ_INLINE void StoreHalves(int16_t* p, H v) { _mm256_storeu_si256((__m256i*)p, v); }
  static MLQ_INLINE H BroadcastHalf(int16_t x) { return _mm256_set1_epi16(x); }
  static MLQ_INLINE H AddHalves(H a, H b) { return _mm256_adds_epi16(a, b); }
  static MLQ_INLINE H ClampHalves(H v, H low, H high) { return _mm256_min_epi16(_mm256_max_epi16(v, low), high); }
  // A bit for each lane, lane 0 lowest: a >= b.
  static MLQ_INLINE uint32_t NotLessMask(H a, H b) {
    const __m256i less = _mm256_cmpgt_epi16(b, a);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(less), _mm256_extracti128_si256(less, 1));
    return (uint32_t)_mm_movemask_epi8(bytes) ^ 0xFFFFu;
  }

  // acc + x * w for x in [0, 255] and w in [-128, 127], each in a 32-bit lane.
  static MLQ_INLINE I MultiplyAdd(I acc, I x, I w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }

 private:
  static MLQ_INLINE __m128i Words(I v) { return _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)); }
};

#if defined(MLQ_SEVEN_BITS)
// Products of the integer convolution with weights of at most 64: two products of a code and a weight stay within 16 bits.
struct Dot {
  using Value = uint8_t;
  using Weight = int8_t;
  static constexpr int kStep = 4;
  static constexpr bool kDirect = true;  // the codes themselves can be read
  static constexpr int kRows = 6;
  static constexpr int32_t kCodeOffset = 0;
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
  }
  // May read and write up to a vector behind the last value.
  static MLQ_INLINE void ConvertFreely(const uint8_t* source, Value* destination, int count) {
    for (int i = 0; i < count; i += 16) {
      _mm_storeu_si128((__m128i*)(destination + i), _mm_loadu_si128((const __m128i*)(source + i)));
    }
  }
  static MLQ_INLINE void Convert(const uint8_t* source, Value* destination, int count) { memcpy(destination, source, (size_t)count); }
};
#else
// Products of the integer convolution: codes and weights as 16-bit pairs, so that nothing can saturate.
struct Dot {
  using Value = int16_t;
  using Weight = int16_t;
  static constexpr int kStep = 2;
  static constexpr bool kDirect = false;
  static constexpr int kRows = 6;
  // As Convert, which is as quick here.
  static MLQ_INLINE void ConvertFreely(const uint8_t* source, Value* destination, int count) { Convert(source, destination, count); }
  static constexpr int32_t kCodeOffset = 0;
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
  }
  static MLQ_INLINE void Convert(const uint8_t* source, Value* destination, int count) {
    int i = 0;
    for (; i + 16 <= count; i += 16) {
      _mm256_storeu_si256((__m256i*)(destination + i), _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)(source + i))));
    }
    if (count - i >= 8) {
      Eight(source + i, destination + i);
      i += 8;
    }
    if (i < count && count >= 8) {
      Eight(source + count - 8, destination + count - 8);
      return;
    }
    for (; i < count; i++) {
      destination[i] = source[i];
    }
  }

 private:
  static MLQ_INLINE void Eight(const uint8_t* source, Value* destination) {
    _mm_storeu_si128((__m128i*)destination, _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i*)source)));
  }
};
#endif

// Counts of set bits: a byte counts on its own for kLongest steps, then the four of a lane are added up.
struct Bits {
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr int kMixedRows = 2;  // of three sums each
  static constexpr int kMixedVectors = 1;
  static constexpr int kLongest = 31;
  static MLQ_INLINE Simd::I Xor(Simd::I a, Simd::I w) { return _mm256_xor_si256(a, w); }
  static MLQ_INLINE Simd::I And(Simd::I a, Simd::I w) { return _mm256_and_si256(a, w); }
  // a ^ (b & c)
  static MLQ_INLINE Simd::I Mixed(Simd::I a, Simd::I b, Simd::I c) { return _mm256_xor_si256(a, _mm256_and_si256(b, c)); }
  static MLQ_INLINE Simd::I Masked(Simd::I a, Simd::I z, Simd::I w) { return _mm256_and_si256(_mm256_xor_si256(a, z), w); }
  static MLQ_INLINE Simd::I Add(Simd::I counts, Simd::I bits) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bits, 4), low);
    const __m256i sum = _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(bits, low)), _mm256_shuffle_epi8(table, upper));
    return _mm256_add_epi8(counts, sum);
  }
  static MLQ_INLINE Simd::I Total(Simd::I counts) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(counts, _mm256_set1_epi8(1)), _mm256_set1_epi16(1));
  }
};

}  // namespace

#include "kernels/simd/some.h"

#endif
