#include "kernels/simd/neon.h"

#include "kernels/entry_points.h"

namespace {

// sdot takes signed operands: weights of 8 bits are stored as they are, narrower ones plus their offset, which stays below 128.
struct Group {
  static constexpr int kVectors = 2;
  static constexpr int kRows = 4;

  static constexpr int Offset(int container) { return container == 8 ? 0 : 1 << (container - 1); }

  template <int C>
  static MLQ_INLINE void Unpack(const uint8_t* packed, int32x4_t (&w)[8 / C]) {
    const uint8x16_t bytes = vld1q_u8(packed);
    w[0] = vreinterpretq_s32_u8(C == 8 ? bytes : vandq_u8(bytes, vdupq_n_u8((1 << C) - 1)));
    Rest<C, 1>(bytes, w);
  }

  template <int C>
  static MLQ_INLINE int32x4_t Block(int32x4_t acc, const int32x4_t (&w)[8 / C], const int32x4_t (&x)[8 / C]) {
    MLQ_UNROLL for (int f = 0; f < 8 / C; f++) { acc = vdotq_s32(acc, vreinterpretq_s8_s32(w[f]), vreinterpretq_s8_s32(x[f])); }
    return acc;
  }

 private:
  template <int C, int F>
  static MLQ_INLINE void Rest(uint8x16_t bytes, int32x4_t (&w)[8 / C]) {
    if constexpr (F < 8 / C) {
      w[F] = vreinterpretq_s32_u8(vandq_u8(vshrq_n_u8(bytes, C * F), vdupq_n_u8((1 << C) - 1)));
      Rest<C, F + 1>(bytes, w);
    }
  }
};

}  // namespace

#include "kernels/grouped_dense/generic.h"

MLQ_DEFINE_GROUPED_DENSE(neon)
