// AVX-512 vectors of sixteen 32-bit lanes.
#ifndef MLQ_SIMD_H
#define MLQ_SIMD_H

#include <immintrin.h>

#include "kernels/common.h"

namespace {

struct Simd {
  using F = __m512;
  using I = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kVectors = 2;  // of one weight panel
  static constexpr int kRows = 14;    // 28 accumulators, 2 weights, 1 broadcast: 31 of 32 registers

  static MLQ_INLINE F Load(const float* p) { return _mm512_loadu_ps(p); }
  static MLQ_INLINE void Store(float* p, F v) { _mm512_storeu_ps(p, v); }
  static MLQ_INLINE F Broadcast(float x) { return _mm512_set1_ps(x); }
  static MLQ_INLINE F Zero() { return _mm512_setzero_ps(); }
  static MLQ_INLINE F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static MLQ_INLINE F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static MLQ_INLINE F Div(F a, F b) { return _mm512_div_ps(a, b); }
  static MLQ_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
  // a > b ? a : b, so that b is given for equals and where one is NaN.
  static MLQ_INLINE F Larger(F a, F b) { return _mm512_max_ps(a, b); }
  // y < low ? low : y > high ? high : y. The second operand is returned when one is NaN: NaN passes.
  static MLQ_INLINE F Clamp(F y, F low, F high) { return _mm512_min_ps(high, _mm512_max_ps(low, y)); }

  static MLQ_INLINE I LoadInt(const int32_t* p) { return _mm512_loadu_si512(p); }
  static MLQ_INLINE void StoreInt(int32_t* p, I v) { _mm512_storeu_si512(p, v); }
  static MLQ_INLINE I BroadcastInt(int32_t x) { return _mm512_set1_epi32(x); }
  static MLQ_INLINE I ZeroInt() { return _mm512_setzero_si512(); }
  static MLQ_INLINE I AddInt(I a, I b) { return _mm512_add_epi32(a, b); }
  static MLQ_INLINE I SubInt(I a, I b) { return _mm512_sub_epi32(a, b); }
  static MLQ_INLINE I XorInt(I a, I b) { return _mm512_xor_si512(a, b); }
  static MLQ_INLINE I AndNotInt(I not_a, I b) { return _mm512_andnot_si512(not_a, b); }
  // v less 1 where a > b.
  static MLQ_INLINE I LessOneWhereGreater(I v, I a, I b) {
    return _mm512_mask_sub_epi32(v, _mm512_cmpgt_epi32_mask(a, b), v, _mm512_set1_epi32(1));
  }
  // A bit for each of 32 lanes, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterWord(const I (&a)[2], const I (&b)[2]) {
    return _cvtmask32_u32(_mm512_kunpackw(_mm512_cmpgt_epi32_mask(a[1], b[1]), _mm512_cmpgt_epi32_mask(a[0], b[0])));
  }
  // A bit for each lane, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterMask(I a, I b) { return _cvtmask16_u32(_mm512_cmpgt_epi32_mask(a, b)); }
  static MLQ_INLINE F ToFloat(I v) { return _mm512_cvtepi32_ps(v); }
  // Nearest integer as a float, ties to even.
  static MLQ_INLINE F RoundFloat(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // Nearest integer, ties to even; NaN gives 0.
  static MLQ_INLINE I Round(F v) { return _mm512_maskz_cvtps_epi32(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v); }

  static MLQ_INLINE I LoadU8(const uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)); }
  static MLQ_INLINE I LoadS16(const int16_t* p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i*)p)); }
  static MLQ_INLINE I LoadS8(const int8_t* p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)); }
  static MLQ_INLINE void StoreU8(uint8_t* p, I v) { _mm_storeu_si128((__m128i*)p, _mm512_cvtepi32_epi8(v)); }
  static MLQ_INLINE void StoreS16(int16_t* p, I v) { _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(v)); }

  // Two vectors of integers plus `zero`, as codes in [low, high] (each within [0, 255]), by saturating steps. The first `count` are written.
  struct CodeRange {
    __m512i zero, low, high;
    MLQ_INLINE CodeRange(int32_t zero_point, int32_t minimum, int32_t maximum)
        : zero(_mm512_set1_epi16((int16_t)zero_point)), low(_mm512_set1_epi8((char)minimum)), high(_mm512_set1_epi8((char)maximum)) {}
    MLQ_INLINE __m512i Clamp(__m512i codes) const { return _mm512_min_epu8(_mm512_max_epu8(codes, low), high); }
  };
  static MLQ_INLINE I Nearest(F v) { return _mm512_cvtps_epi32(v); }
  static MLQ_INLINE void StorePair(uint8_t* p, I a, I b, const CodeRange& range, int count) {
    const __m512i words = _mm512_adds_epi16(_mm512_packs_epi32(a, b), range.zero);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 4, 8, 12, 1, 5, 9, 13);
    const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words, words));
    const __m256i codes = _mm512_castsi512_si256(range.Clamp(bytes));
    if (count == 32) {
      _mm256_storeu_si256((__m256i*)p, codes);
    } else {
      StoreSome(p, codes, count);
    }
  }
  // Pairs of two rows, all of which are written.
  static MLQ_INLINE void StorePairs(uint8_t* first, uint8_t* second, const I (&a)[2], const I (&b)[2], const CodeRange& range) {
    const __m512i words = _mm512_adds_epi16(_mm512_packs_epi32(a[0], a[1]), range.zero), others = _mm512_adds_epi16(_mm512_packs_epi32(b[0], b[1]), range.zero);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i codes = range.Clamp(_mm512_permutexvar_epi32(order, _mm512_packus_epi16(words, others)));
    _mm256_storeu_si256((__m256i*)first, _mm512_castsi512_si256(codes));
    _mm256_storeu_si256((__m256i*)second, _mm512_extracti64x4_epi64(codes, 1));
  }
  static MLQ_INLINE void StoreSome(uint8_t* p, __m256i codes, int count) {
    __m128i rest = _mm256_castsi256_si128(codes);
    if ((count & 16) != 0) {
      _mm_storeu_si128((__m128i*)p, rest);
      rest = _mm256_extracti128_si256(codes, 1);
      p += 16;
    }
    if ((count & 15) == 8) {
      _mm_storel_epi64((__m128i*)p, rest);
    } else if ((count & 15) != 0) {
      _mm_mask_storeu_epi8(p, (__mmask16)((1u << (count & 15)) - 1), rest);
    }
  }

  // Codes of 16 bits in vectors of twice as many lanes.
  using H = __m512i;
  // y > high ? high : y, no NaN.
  static MLQ_INLINE F Smaller(F y, F high) { return _mm512_min_ps(y, high); }
  // Both vectors one behind the other, cut off at the ends of 16 bits.
  static MLQ_INLINE H PackHalves(I a, I b) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), _mm512_packs_epi32(a, b)); }
  static MLQ_INLINE H LoadHalves(const int16_t* p) { return _mm512_loadu_si512(p); }
  static MLQ_INLINE void StoreHalves(int16_t* p, H v) { _mm512_storeu_si512(p, v); }
  static MLQ_INLINE H BroadcastHalf(int16_t x) { return _mm512_set1_epi16(x); }
  static MLQ_INLINE H AddHalves(H a, H b) { return _mm512_adds_epi16(a, b); }
  static MLQ_INLINE H ClampHalves(H v, H low, H high) { return _mm512_min_epi16(_mm512_max_epi16(v, low), high); }
  // A bit for each lane, lane 0 lowest: a >= b.
  static MLQ_INLINE uint32_t NotLessMask(H a, H b) { return _cvtmask32_u32(_mm512_cmpge_epi16_mask(a, b)); }

  // acc + x * w for x in [0, 255] and w in [-128, 127], each in a 32-bit lane.
  static MLQ_INLINE I MultiplyAdd(I acc, I x, I w) {
#if defined(__AVX512VNNI__)
    return _mm512_dpwssd_epi32(acc, x, w);
#else
    return _mm512_add_epi32(acc, _mm512_madd_epi16(x, w));
#endif
  }
};

// The first `count` codes; nothing behind them is touched, and other lanes are 0.
// Stores go by pieces: where sums take the place of what is added, a load of the next pixel would wait for a masked store that reaches over it.
struct Some {
  static MLQ_INLINE uint32_t First(int count) { return count >= 32 ? ~0u : (1u << count) - 1; }
  static MLQ_INLINE Simd::I LoadU8(const uint8_t* p, int count) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)First(count), p)); }
  static MLQ_INLINE Simd::I LoadS16(const int16_t* p, int count) { return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16((__mmask16)First(count), p)); }
  static MLQ_INLINE Simd::H LoadHalves(const int16_t* p, int count) { return _mm512_maskz_loadu_epi16(First(count), p); }
  static MLQ_INLINE void StoreU8(uint8_t* p, Simd::I v, int count) {
    const __m128i bytes = _mm512_cvtepi32_epi8(v);
    count == Simd::kLanes ? _mm_storeu_si128((__m128i*)p, bytes) : Few(p, bytes, count);
  }
  static MLQ_INLINE void StoreS16(int16_t* p, Simd::I v, int count) { Words(p, _mm512_cvtepi32_epi16(v), count); }
  static MLQ_INLINE void StoreHalves(int16_t* p, Simd::H v, int count) {
    __m256i rest = _mm512_castsi512_si256(v);
    if (count >= 16) {
      _mm256_storeu_si256((__m256i*)p, rest);
      rest = _mm512_extracti64x4_epi64(v, 1);
      p += 16, count -= 16;
    }
    Words(p, rest, count);
  }

 private:
  // Up to 16 words.
  static MLQ_INLINE void Words(int16_t* p, __m256i v, int count) {
    if (count == 16) {
      _mm256_storeu_si256((__m256i*)p, v);
      return;
    }
    __m128i rest = _mm256_castsi256_si128(v);
    if ((count & 8) != 0) {
      _mm_storeu_si128((__m128i*)p, rest);
      rest = _mm256_extracti128_si256(v, 1);
      p += 8;
    }
    Few((uint8_t*)p, rest, 2 * (count & 7));
  }

  // Fewer than 16 bytes.
  static MLQ_INLINE void Few(uint8_t* p, __m128i v, int count) {
    if ((count & 8) != 0) {
      _mm_storel_epi64((__m128i*)p, v);
      v = _mm_unpackhi_epi64(v, v);
      p += 8;
    }
    if ((count & 7) != 0) {
      uint64_t rest = (uint64_t)_mm_cvtsi128_si64(v);
      MLQ_UNROLL for (int size = 4; size > 0; p += count & size, rest >>= 8 * (count & size), size /= 2) {
        if ((count & size) != 0) {
          memcpy(p, &rest, (size_t)size);
        }
      }
    }
  }
};

// Products of the integer convolution: each 32-bit step holds kStep values of one pixel.
struct Dot {
#if defined(__AVX512VNNI__) || defined(MLQ_SEVEN_BITS)
  using Value = uint8_t;
  using Weight = int8_t;
  static constexpr int kStep = 4;
  static constexpr bool kDirect = true;  // the codes themselves can be read
#if defined(__AVX512VNNI__)
  static constexpr int kRows = 14;
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) { return _mm512_dpbusd_epi32(acc, x, w); }
#else
  static constexpr int kRows = 12;
  // Two products of a code and a weight of at most 64 stay within 16 bits.
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) {
    return _mm512_add_epi32(acc, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)));
  }
#endif
  // May read and write up to a vector behind the last value.
  static MLQ_INLINE void ConvertFreely(const uint8_t* source, Value* destination, int count) {
    if (count <= 16) {
      _mm_storeu_si128((__m128i*)destination, _mm_loadu_si128((const __m128i*)source));
      return;
    }
    for (int i = 0; i < count; i += 32) {
      _mm256_storeu_si256((__m256i*)(destination + i), _mm256_loadu_si256((const __m256i*)(source + i)));
    }
  }
  // May write up to a vector behind the last value; reads nothing outside.
  static MLQ_INLINE void Convert(const uint8_t* source, Value* destination, int count) {
    int i = 0;
    if (count <= 32) {
      const __mmask32 mask = (__mmask32)((1ull << count) - 1);
      count <= 16 ? _mm_storeu_si128((__m128i*)destination, _mm_maskz_loadu_epi8((__mmask16)mask, source))
                  : _mm256_storeu_si256((__m256i*)destination, _mm256_maskz_loadu_epi8(mask, source));
      return;
    }
    for (; i + 64 <= count; i += 64) {
      _mm512_storeu_si512(destination + i, _mm512_loadu_si512(source + i));
    }
    if (i < count) {
      const __mmask64 mask = ~0ull >> (64 - (count - i));
      _mm512_storeu_si512(destination + i, _mm512_maskz_loadu_epi8(mask, source + i));
    }
  }
#else
  using Value = int16_t;
  using Weight = int16_t;
  static constexpr int kStep = 2;
  static constexpr bool kDirect = false;
  static constexpr int kRows = 12;
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) {
    return _mm512_add_epi32(acc, _mm512_madd_epi16(x, w));
  }
  // May read and write up to a vector behind the last value.
  static MLQ_INLINE void ConvertFreely(const uint8_t* source, Value* destination, int count) {
    for (int i = 0; i < count; i += 32) {
      _mm512_storeu_si512(destination + i, _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i*)(source + i))));
    }
  }
  // May write up to a vector behind the last value; reads nothing outside.
  static MLQ_INLINE void Convert(const uint8_t* source, Value* destination, int count) {
    int i = 0;
    for (; i + 32 <= count; i += 32) {
      _mm512_storeu_si512(destination + i, _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i*)(source + i))));
    }
    if (i < count) {
      const __mmask32 mask = (__mmask32)((1ull << (count - i)) - 1);
      _mm512_storeu_si512(destination + i, _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, source + i)));
    }
  }
#endif
  static constexpr int32_t kCodeOffset = 0;  // value = code - kCodeOffset
};

// Counts of set bits: of whole lanes where there is an instruction for it; otherwise a byte counts on its own for kLongest steps, then the four of
// a lane are added up.
struct Bits {
  static constexpr int kRows = 8;
  static constexpr int kVectors = 2;
  static constexpr int kMixedRows = 3;  // of three sums each
  static constexpr int kMixedVectors = 2;
  static MLQ_INLINE Simd::I Xor(Simd::I a, Simd::I w) { return _mm512_xor_si512(a, w); }
  static MLQ_INLINE Simd::I And(Simd::I a, Simd::I w) { return _mm512_and_si512(a, w); }
  // a ^ (b & c)
  static MLQ_INLINE Simd::I Mixed(Simd::I a, Simd::I b, Simd::I c) { return _mm512_ternarylogic_epi32(a, b, c, 0x78); }
  static MLQ_INLINE Simd::I Masked(Simd::I a, Simd::I z, Simd::I w) { return _mm512_ternarylogic_epi32(a, z, w, 0x28); }
#if defined(__AVX512VPOPCNTDQ__)
  static constexpr int kLongest = 1 << 30;
  // Written out, because GCC 12 otherwise copies each sum from register to register.
  static MLQ_INLINE Simd::I Add(Simd::I counts, Simd::I bits) {
    __asm__("vpaddd %1, %0, %0" : "+v"(counts) : "v"(_mm512_popcnt_epi32(bits)));
    return counts;
  }
  static MLQ_INLINE Simd::I Total(Simd::I counts) { return counts; }
#else
  static constexpr int kLongest = 31;
  static MLQ_INLINE Simd::I Add(Simd::I counts, Simd::I bits) {
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low = _mm512_set1_epi8(15);
    const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(bits, 4), low);
    const __m512i sum = _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(bits, low)), _mm512_shuffle_epi8(table, upper));
    return _mm512_add_epi8(counts, sum);
  }
  static MLQ_INLINE Simd::I Total(Simd::I counts) {
    return _mm512_madd_epi16(_mm512_maddubs_epi16(counts, _mm512_set1_epi8(1)), _mm512_set1_epi16(1));
  }
#endif
};

}  // namespace

#endif
