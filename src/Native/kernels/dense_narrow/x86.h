// Codes as unsigned bytes times codes of the row as signed bytes, on vectors of 256 or 512 bits.
#ifndef MLQ_DENSE_NARROW_X86_H
#define MLQ_DENSE_NARROW_X86_H

#include "kernels/common.h"

namespace {

#if defined(__AVX512BW__)
#define MLQ_WIDE(name) _mm512_##name
#define MLQ_AND _mm512_and_si512
#else
#define MLQ_WIDE(name) _mm256_##name
#define MLQ_AND _mm256_and_si256
#endif

constexpr int kGroup = 4;  // panels of a tile; those of the next tile are fetched meanwhile

struct Narrow {
  static constexpr int kBytes = Simd::kLanes * 4;
  static constexpr int kParts = 64 / kBytes;  // vectors of a block

  static MLQ_INLINE Simd::I ShiftUp(Simd::I v, int count) { return MLQ_WIDE(sll_epi32)(v, _mm_cvtsi32_si128(count)); }
  static MLQ_INLINE Simd::I Multiply(Simd::I a, Simd::I b) { return MLQ_WIDE(mullo_epi32)(a, b); }

  static MLQ_INLINE Simd::I Four(const int8_t* x) {
    int32_t word;
    memcpy(&word, x, 4);
    return Simd::BroadcastInt(word);
  }

  // Σ code * x of P panels, at most AtOnce of them at a time, so that the sums fit the registers.
  template <int C, int P>
  static MLQ_INLINE void Products(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, Simd::I (&sums)[P * kParts]) {
    constexpr int most = AtOnce<C>();
    if constexpr (P > most) {
      Split<C, P, 0>(x, blocks, panel, pitch, sums);
    } else {
      Chain<C, P>(x, blocks, panel, pitch, sums);
    }
  }

 private:
  // Panels of 1 and 2 bits are too short for the processor to run ahead by itself.
  template <int C>
  static MLQ_INLINE void Fetch(const uint8_t* next) {
    if constexpr (C < 4) {
      __builtin_prefetch(next, 0, 2);
    }
  }

  template <int C, int P, int Begin>
  static MLQ_INLINE void Split(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, Simd::I (&sums)[P * kParts]) {
    if constexpr (Begin < P) {
      constexpr int count = AtOnce<C>();
      Simd::I part[count * kParts];
      Chain<C, count>(x, blocks, panel + Begin * pitch, pitch, part);
      MLQ_UNROLL for (int v = 0; v < count * kParts; v++) { sums[Begin * kParts + v] = part[v]; }
      Split<C, P, Begin + count>(x, blocks, panel, pitch, sums);
    }
  }

#if defined(__AVX512VNNI__)
  // A sum for each place in a byte: codes need no shift, their place is shifted out of the sums at the end.
  template <int C>
  static constexpr int AtOnce() { return C == 1 ? 2 : 4; }

  template <int C, int P>
  static MLQ_INLINE void Chain(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, Simd::I (&sums)[P * kParts]) {
    constexpr int places = 8 / C;
    Simd::I acc[places][P], mask[places];
    MLQ_UNROLL for (int s = 0; s < places; s++) {
      mask[s] = _mm512_set1_epi8((char)(((1 << C) - 1) << (C * s)));
      MLQ_UNROLL for (int p = 0; p < P; p++) { acc[s][p] = Simd::ZeroInt(); }
    }
    for (int64_t b = 0; b < blocks; b++, x += 4 * places, panel += 64) {
      Simd::I w[P];
      MLQ_UNROLL for (int p = 0; p < P; p++) {
        w[p] = _mm512_loadu_si512(panel + p * pitch);
        Fetch<C>(panel + (p + kGroup) * pitch);
      }
      MLQ_UNROLL for (int s = 0; s < places; s++) {
        const Simd::I four = Four(x + 4 * s);
        MLQ_UNROLL for (int p = 0; p < P; p++) { acc[s][p] = _mm512_dpbusd_epi32(acc[s][p], _mm512_and_si512(w[p], mask[s]), four); }
      }
    }
    MLQ_UNROLL for (int p = 0; p < P; p++) {
      sums[p] = acc[0][p];
      MLQ_UNROLL for (int s = 1; s < places; s++) { sums[p] = _mm512_add_epi32(sums[p], _mm512_srai_epi32(acc[s][p], C * s)); }
    }
  }
#else
  template <int C>
  static constexpr int AtOnce() { return 4 / kParts; }

  // Blocks whose products fit 16 bits: a block adds at most 8 / C * 2 * (2^C - 1) * 128 to a sum.
  template <int C>
  static constexpr int64_t Most() { return 32767 / (8 / C * 2 * ((1 << C) - 1) * 128); }

  template <int C, int P>
  static MLQ_INLINE void Chain(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, Simd::I (&sums)[P * kParts]) {
    constexpr int places = 8 / C;
    const Simd::I mask = MLQ_WIDE(set1_epi8)((1 << C) - 1), one = MLQ_WIDE(set1_epi16)(1);
    MLQ_UNROLL for (int v = 0; v < P * kParts; v++) { sums[v] = Simd::ZeroInt(); }
    while (blocks > 0) {
      const int64_t count = Min(blocks, Most<C>());
      Simd::I narrow[P * kParts];
      MLQ_UNROLL for (int v = 0; v < P * kParts; v++) { narrow[v] = Simd::ZeroInt(); }
      for (int64_t b = 0; b < count; b++, x += 4 * places, panel += 64) {
        Simd::I w[P * kParts];
        MLQ_UNROLL for (int p = 0; p < P; p++) { Fetch<C>(panel + (p + kGroup) * pitch); }
        MLQ_UNROLL for (int v = 0; v < P * kParts; v++) { w[v] = Simd::LoadInt((const int32_t*)(const void*)(panel + v / kParts * pitch + v % kParts * kBytes)); }
        MLQ_UNROLL for (int s = 0; s < places; s++) {
          const Simd::I four = Four(x + 4 * s);
          MLQ_UNROLL for (int v = 0; v < P * kParts; v++) {
            const Simd::I codes = MLQ_AND(s == 0 ? w[v] : MLQ_WIDE(srli_epi16)(w[v], C * s), mask);
            narrow[v] = MLQ_WIDE(add_epi16)(narrow[v], MLQ_WIDE(maddubs_epi16)(codes, four));
          }
        }
      }
      MLQ_UNROLL for (int v = 0; v < P * kParts; v++) { sums[v] = Simd::AddInt(sums[v], MLQ_WIDE(madd_epi16)(narrow[v], one)); }
      blocks -= count;
    }
  }
#endif
};

}  // namespace

#endif
