#include "kernels/simd/neon.h"

namespace {

constexpr int kGroup = 4;  // panels of a tile; those of the next tile are fetched meanwhile

struct Narrow {
  static constexpr int kParts = 4;  // vectors of a block

  static MLQ_INLINE int32x4_t ShiftUp(int32x4_t v, int count) { return vshlq_s32(v, vdupq_n_s32(count)); }
  static MLQ_INLINE int32x4_t Multiply(int32x4_t a, int32x4_t b) { return vmulq_s32(a, b); }

  template <int C, int P>
  static MLQ_INLINE void Products(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, int32x4_t (&sums)[P * kParts]) {
    for (int p = 0; p < P; p++) {
      int32x4_t part[kParts] = {};
      Chain<C>(x, blocks, panel + p * pitch, pitch, part);
      MLQ_UNROLL for (int v = 0; v < kParts; v++) { sums[p * kParts + v] = part[v]; }
    }
  }

 private:
  template <int C>
  static MLQ_INLINE void Chain(const int8_t* x, int64_t blocks, const uint8_t* panel, int64_t pitch, int32x4_t (&sums)[kParts]) {
    for (int64_t b = 0; b < blocks; b++, x += 32 / C, panel += 64) {
      uint8x16_t w[kParts];
      if constexpr (C < 4) {
        __builtin_prefetch(panel + kGroup * pitch, 0, 2);  // too short for the processor to run ahead by itself
      }
      MLQ_UNROLL for (int v = 0; v < kParts; v++) { w[v] = vld1q_u8(panel + 16 * v); }
      Places<C, 0>(x, w, sums);
    }
  }

  template <int C, int S>
  static MLQ_INLINE void Places(const int8_t* x, const uint8x16_t (&w)[kParts], int32x4_t (&sums)[kParts]) {
    if constexpr (S < 8 / C) {
      int32_t word;
      memcpy(&word, x + 4 * S, 4);
      const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(word));
      MLQ_UNROLL for (int v = 0; v < kParts; v++) {
        uint8x16_t codes = w[v];
        if constexpr (S > 0) {
          codes = vshrq_n_u8(codes, C * S);
        }
        sums[v] = vdotq_s32(sums[v], vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8((1 << C) - 1))), four);
      }
      Places<C, S + 1>(x, w, sums);
    }
  }
};

}  // namespace

#include "kernels/dense_narrow/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DENSE_NARROW(neon)
