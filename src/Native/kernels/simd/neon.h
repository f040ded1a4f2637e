// NEON vectors of four 32-bit lanes, with the dot product instructions of Armv8.2.
#ifndef MLQ_SIMD_H
#define MLQ_SIMD_H

#include <arm_neon.h>

#include "kernels/common.h"

namespace {

struct Simd {
  using F = float32x4_t;
  using I = int32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 6;  // 24 accumulators, 4 weights, 1 broadcast: 29 of 32 registers

  static MLQ_INLINE F Load(const float* p) { return vld1q_f32(p); }
  static MLQ_INLINE void Store(float* p, F v) { vst1q_f32(p, v); }
  static MLQ_INLINE F Broadcast(float x) { return vdupq_n_f32(x); }
  static MLQ_INLINE F Zero() { return vdupq_n_f32(0); }
  static MLQ_INLINE F Fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static MLQ_INLINE F Mul(F a, F b) { return vmulq_f32(a, b); }
  static MLQ_INLINE F Div(F a, F b) { return vdivq_f32(a, b); }
  static MLQ_INLINE F Add(F a, F b) { return vaddq_f32(a, b); }
  // a > b ? a : b, so that b is given for equals and where one is NaN.
  static MLQ_INLINE F Larger(F a, F b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  // y < low ? low : y > high ? high : y; comparisons with NaN are false, so NaN passes.
  static MLQ_INLINE F Clamp(F y, F low, F high) {
    const F raised = vbslq_f32(vcltq_f32(y, low), low, y);
    return vbslq_f32(vcgtq_f32(raised, high), high, raised);
  }

  static MLQ_INLINE I LoadInt(const int32_t* p) { return vld1q_s32(p); }
  static MLQ_INLINE void StoreInt(int32_t* p, I v) { vst1q_s32(p, v); }
  static MLQ_INLINE I BroadcastInt(int32_t x) { return vdupq_n_s32(x); }
  static MLQ_INLINE I ZeroInt() { return vdupq_n_s32(0); }
  static MLQ_INLINE I AddInt(I a, I b) { return vaddq_s32(a, b); }
  static MLQ_INLINE I SubInt(I a, I b) { return vsubq_s32(a, b); }
  static MLQ_INLINE I XorInt(I a, I b) { return veorq_s32(a, b); }
  static MLQ_INLINE I AndNotInt(I not_a, I b) { return vbicq_s32(b, not_a); }
  // v less 1 where a > b.
  static MLQ_INLINE I LessOneWhereGreater(I v, I a, I b) { return vaddq_s32(v, vreinterpretq_s32_u32(vcgtq_s32(a, b))); }
  // A bit for each of 32 lanes, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterWord(const I (&a)[8], const I (&b)[8]) {
    const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint32_t word = 0;
    MLQ_UNROLL for (int i = 0; i < 8; i += 4) {
      const uint16x8_t low = vcombine_u16(vmovn_u32(vcgtq_s32(a[i], b[i])), vmovn_u32(vcgtq_s32(a[i + 1], b[i + 1])));
      const uint16x8_t high = vcombine_u16(vmovn_u32(vcgtq_s32(a[i + 2], b[i + 2])), vmovn_u32(vcgtq_s32(a[i + 3], b[i + 3])));
      const uint8x16_t bits = vandq_u8(vcombine_u8(vmovn_u16(low), vmovn_u16(high)), vld1q_u8(weights));
      word |= (uint32_t)(vaddv_u8(vget_low_u8(bits)) | vaddv_u8(vget_high_u8(bits)) << 8) << (i * 4);
    }
    return word;
  }
  // Codes of 16 bits in vectors of twice as many lanes.
  using H = int16x8_t;
  // y > high ? high : y, no NaN.
  static MLQ_INLINE F Smaller(F y, F high) { return vminq_f32(y, high); }
  // Both vectors one behind the other, cut off at the ends of 16 bits.
  static MLQ_INLINE H PackHalves(I a, I b) { return vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)); }
  static MLQ_INLINE H LoadHalves(const int16_t* p) { return vld1q_s16(p); }
  static MLQ_INLINE void StoreHalves(int16_t* p, H v) { vst1q_s16(p, v); }
  static MLQ_INLINE H BroadcastHalf(int16_t x) { return vdupq_n_s16(x); }
  static MLQ_INLINE H AddHalves(H a, H b) { return vqaddq_s16(a, b); }
  static MLQ_INLINE H ClampHalves(H v, H low, H high) { return vminq_s16(vmaxq_s16(v, low), high); }
  // A bit for each lane, lane 0 lowest: a >= b.
  static MLQ_INLINE uint32_t NotLessMask(H a, H b) {
    const uint16_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    return vaddvq_u16(vandq_u16(vcgeq_s16(a, b), vld1q_u16(bits)));
  }

  // A bit for each lane, lane 0 lowest: a > b.
  static MLQ_INLINE uint32_t GreaterMask(I a, I b) {
    const uint32_t weights[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgtq_s32(a, b), vld1q_u32(weights)));
  }
  static MLQ_INLINE F ToFloat(I v) { return vcvtq_f32_s32(v); }
  // Nearest integer as a float, ties to even.
  static MLQ_INLINE F RoundFloat(F v) { return vrndnq_f32(v); }
  // Nearest integer, ties to even; NaN gives 0.
  static MLQ_INLINE I Round(F v) { return vcvtnq_s32_f32(v); }

  // Two vectors of integers plus `zero`, as codes in [low, high] (each within [0, 255]), by saturating steps. The first `count` are written.
  struct CodeRange {
    int16x8_t zero;
    uint8x8_t low, high;
    MLQ_INLINE CodeRange(int32_t zero_point, int32_t minimum, int32_t maximum)
        : zero(vdupq_n_s16((int16_t)zero_point)), low(vdup_n_u8((uint8_t)minimum)), high(vdup_n_u8((uint8_t)maximum)) {}
  };
  static MLQ_INLINE I Nearest(F v) { return vcvtnq_s32_f32(v); }
  static MLQ_INLINE void StorePair(uint8_t* p, I a, I b, const CodeRange& range, int count) {
    const int16x8_t words = vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), range.zero);
    const uint8x8_t codes = vmin_u8(vmax_u8(vqmovun_s16(words), range.low), range.high);
    if (count == 8) {
      vst1_u8(p, codes);
    } else {
      uint8_t buffer[8];
      vst1_u8(buffer, codes);
      memcpy(p, buffer, (size_t)count);
    }
  }
  // Pairs of two rows, all of which are written.
  static MLQ_INLINE void StorePairs(uint8_t* first, uint8_t* second, const I (&a)[2], const I (&b)[2], const CodeRange& range) {
    StorePair(first, a[0], a[1], range, 2 * kLanes);
    StorePair(second, b[0], b[1], range, 2 * kLanes);
  }

  static MLQ_INLINE I LoadU8(const uint8_t* p) {
    uint32_t four;
    memcpy(&four, p, 4);
    const uint16x8_t wide = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
  }
  static MLQ_INLINE I LoadS16(const int16_t* p) { return vmovl_s16(vld1_s16(p)); }
  static MLQ_INLINE I LoadS8(const int8_t* p) {
    uint32_t four;
    memcpy(&four, p, 4);
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)))));
  }
  static MLQ_INLINE void StoreU8(uint8_t* p, I v) {
    const int16x4_t words = vmovn_s32(v);
    const uint8x8_t bytes = vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(words, words)));
    const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    memcpy(p, &four, 4);
  }
  static MLQ_INLINE void StoreS16(int16_t* p, I v) { vst1_s16(p, vmovn_s32(v)); }

  static MLQ_INLINE I MultiplyAdd(I acc, I x, I w) { return vmlaq_s32(acc, x, w); }
};

// Products of the integer convolution: sdot takes signed operands, so codes are read as code - 128, and the packer
// stores 128 * (sum of the weights) to be added.
struct Dot {
  using Value = int8_t;
  using Weight = int8_t;
  static constexpr int kStep = 4;
  static constexpr bool kDirect = false;
  static constexpr int kRows = 6;
  // As Convert, which is as quick here.
  static MLQ_INLINE void ConvertFreely(const uint8_t* source, Value* destination, int count) { Convert(source, destination, count); }
  static constexpr int32_t kCodeOffset = 128;
  static MLQ_INLINE Simd::I MultiplyAdd(Simd::I acc, Simd::I x, Simd::I w) {
    return vdotq_s32(acc, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
  }
  static MLQ_INLINE void Convert(const uint8_t* source, Value* destination, int count) {
    int i = 0;
    for (; i + 16 <= count; i += 16) {
      vst1q_s8(destination + i, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(source + i), vdupq_n_u8(0x80))));
    }
    for (; i < count; i++) {
      destination[i] = (int8_t)(source[i] ^ 0x80);
    }
  }
};

// Counts of set bits: a byte counts on its own for kLongest steps, then the four of a lane are added up.
struct Bits {
  static constexpr int kRows = 4;
  static constexpr int kVectors = 4;
  static constexpr int kMixedRows = 3;  // of three sums each
  static constexpr int kMixedVectors = 2;
  static constexpr int kLongest = 31;
  static MLQ_INLINE Simd::I Xor(Simd::I a, Simd::I w) { return veorq_s32(a, w); }
  static MLQ_INLINE Simd::I And(Simd::I a, Simd::I w) { return vandq_s32(a, w); }
  // a ^ (b & c)
  static MLQ_INLINE Simd::I Mixed(Simd::I a, Simd::I b, Simd::I c) { return veorq_s32(a, vandq_s32(b, c)); }
  static MLQ_INLINE Simd::I Masked(Simd::I a, Simd::I z, Simd::I w) { return vandq_s32(veorq_s32(a, z), w); }
  static MLQ_INLINE Simd::I Add(Simd::I counts, Simd::I bits) {
    return vreinterpretq_s32_u8(vaddq_u8(vreinterpretq_u8_s32(counts), vcntq_u8(vreinterpretq_u8_s32(bits))));
  }
  static MLQ_INLINE Simd::I Total(Simd::I counts) { return vreinterpretq_s32_u32(vpaddlq_u16(vpaddlq_u8(vreinterpretq_u8_s32(counts)))); }
};

}  // namespace

#include "kernels/simd/some.h"

#endif
