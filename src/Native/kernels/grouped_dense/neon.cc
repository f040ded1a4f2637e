#include "kernels/simd/neon.h"

#include "kernels/entry_points.h"

#define MLQ_REGISTER "w"

namespace {

// sdot takes signed operands: weights of 8 bits are stored as they are, narrower ones plus their offset, which stays below 128.
struct Group {
  static constexpr int kRows = 6;
  static constexpr int kFewRows = 2;

  static constexpr int kFloatPairs = 2, kFloatRows = 6;

  static constexpr int Offset(int container) { return container == 8 ? 0 : 1 << (container - 1); }
  static constexpr int Chunk(int) { return 0; }
  static constexpr bool kHasHalves = false;

  template <int C>
  static MLQ_INLINE int32x4_t Start(int32x4_t sum) {
    return C == 8 ? vdupq_n_s32(0) : vnegq_s32(vshlq_n_s32(sum, C - 1));
  }

  static MLQ_INLINE float32x4_t Halves(const uint8_t* p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }

  // The weights that lie `shift` bits up in each lane.
  template <int C>
  static MLQ_INLINE float32x4_t Decode(int32x4_t word, int shift) {
    const int32x4_t top = vshlq_s32(word, vdupq_n_s32(32 - C - shift));
    const int32x4_t code = C == 8 ? top : veorq_s32(top, vdupq_n_s32(INT32_MIN));  // weight + offset becomes two's complement
    return vcvtq_f32_s32(vshrq_n_s32(code, 32 - C));
  }

  template <int C>
  static MLQ_INLINE int32x4_t Unpack(int32x4_t word, int f) {
    const uint8x16_t bytes = vreinterpretq_u8_s32(word);
    return vreinterpretq_s32_u8(C == 8 ? bytes : vandq_u8(vshlq_u8(bytes, vdupq_n_s8((int8_t)(-C * f))), vdupq_n_u8((uint8_t)((1 << C) - 1))));
  }

  template <int C>
  static MLQ_INLINE void Multiply(int32x4_t& sum, int32x4_t w, int32x4_t x) {
    sum = vdotq_s32(sum, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
  }

  static MLQ_INLINE int32x4_t Widen(int32x4_t sum, int32x4_t part) { return vaddq_s32(sum, part); }
};

}  // namespace

#include "kernels/grouped_dense/floats.h"

MLQ_DEFINE_GROUPED_DENSE(neon)
MLQ_DEFINE_GROUPED_DENSE_FLOATS(neon)
