// How values become codes: the rule of the managed class Requantization, with no fused multiply-add; and where saturating steps may stand in for it.
#ifndef MLQ_CODES_H
#define MLQ_CODES_H

#include "kernels/common.h"

namespace {

// t clamped to [low, high], rounded half to even, plus the zero point; a NaN gives the zero point.
struct Tail {
  Simd::F low, high;
  Simd::I zero;

  MLQ_INLINE Tail(int32_t zero_point, int32_t minimum, int32_t maximum)
      : low(Simd::Broadcast((float)(minimum - zero_point))),
        high(Simd::Broadcast((float)(maximum - zero_point))),
        zero(Simd::BroadcastInt(zero_point)) {}

  MLQ_INLINE Simd::I operator()(Simd::F t) const { return Simd::AddInt(Simd::Round(Simd::Clamp(t, low, high)), zero); }
};

constexpr int OutputSize(int output) {
  return output == MLQ_OUTPUT_UINT8 ? 1 : output == MLQ_OUTPUT_INT16 ? 2 : 4;
}

MLQ_INLINE Simd::I LoadCodes(const uint8_t* p) { return Simd::LoadU8(p); }
MLQ_INLINE Simd::I LoadCodes(const int16_t* p) { return Simd::LoadS16(p); }
MLQ_INLINE void StoreCodes(uint8_t* p, Simd::I codes) { Simd::StoreU8(p, codes); }
MLQ_INLINE void StoreCodes(int16_t* p, Simd::I codes) { Simd::StoreS16(p, codes); }
// The first `count` lanes; others are 0.
MLQ_INLINE Simd::I LoadSome(const uint8_t* p, int count) { return Some::LoadU8(p, count); }
MLQ_INLINE Simd::I LoadSome(const int16_t* p, int count) { return Some::LoadS16(p, count); }
MLQ_INLINE void StoreSome(uint8_t* p, Simd::I codes, int count) { Some::StoreU8(p, codes, count); }
MLQ_INLINE void StoreSome(int16_t* p, Simd::I codes, int count) { Some::StoreS16(p, codes, count); }

// Largest magnitude among `count` floats as its bits, which order like the magnitudes; infinities and NaN come last.
MLQ_INLINE uint32_t MagnitudeBits(const float* values, int count) {
  uint32_t most = 0;
  for (int i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, sizeof bits);
    most = Max(most, bits & 0x7FFFFFFFu);
  }
  return most;
}

// Whether every fl(fl(acc * m) + b) lies far inside the integers and no NaN can come up: |acc * m| <= 2^30 and |b| <= 2^29 for |acc| <= reach.
// Then rounding may come before clamping, so that saturating steps can clamp.
MLQ_INLINE bool IsTame(const float* multipliers, const float* offsets, int count, int64_t reach = (int64_t)1 << 31) {
  constexpr uint32_t two_to_29 = 0x4E000000u;
  const float most = 1073741824.0f / (float)Max<int64_t>(reach, 1);
  return MagnitudeBits(multipliers, count) <= MagnitudeBits(&most, 1) && MagnitudeBits(offsets, count) <= two_to_29;
}

// Whether fl(x + b) is x but for the sign of a zero, which no code shows.
MLQ_INLINE bool HasNoOffsets(const float* offsets, int count) { return MagnitudeBits(offsets, count) == 0; }

// Whether no sum of products with them is a NaN.
MLQ_INLINE bool AreFinite(const float* multipliers, const float* offsets, int count) {
  constexpr uint32_t infinity = 0x7F800000u;
  return MagnitudeBits(multipliers, count) < infinity && MagnitudeBits(offsets, count) < infinity;
}

// Whether codes around 0 lie between the ends of 16 bits, the lowest left out: no code less one lies below them.
MLQ_INLINE bool IsHalfRange(int32_t zero_point, int32_t minimum, int32_t maximum) {
  return zero_point == 0 && minimum >= -INT16_MAX && maximum <= INT16_MAX && minimum <= maximum;
}

// Whether a join adds 16-bit codes of one scale, or nothing, and keeps no bytes: then the float sum is the sum of the codes, and saturating steps of 16 bits can make it.
MLQ_INLINE bool IsWholeJoin(const mlq_epilogue& e) {
  const mlq_join& j = *e.join;
  const bool same = !j.other || (j.own_multiplier == 1 && j.other_multiplier == 1 && j.other_zero_point == 0);
  return e.output == MLQ_OUTPUT_INT16 && same && !j.bytes && IsHalfRange(e.zero_point, e.minimum, e.maximum) && IsHalfRange(j.zero_point, j.minimum, j.maximum);
}

MLQ_INLINE bool IsByteRange(const mlq_epilogue& e) {
  return e.zero_point >= 0 && e.zero_point <= 255 && e.minimum >= 0 && e.maximum <= 255 && e.minimum <= e.maximum;
}

// Codes of 16 bits around 0, by saturating steps.
template <int Vectors, bool kUsed>
struct Halves {
  MLQ_INLINE explicit Halves(const mlq_epilogue&) {}
};

template <int Vectors>
struct Halves<Vectors, true> {
  const Simd::F highest;
  const Simd::H low, high;

  MLQ_INLINE explicit Halves(const mlq_epilogue& e)
      : highest(Simd::Broadcast((float)e.maximum)), low(Simd::BroadcastHalf((int16_t)e.minimum)), high(Simd::BroadcastHalf((int16_t)e.maximum)) {}

  // Vectors v and v + 1. What lies too low to be an integer becomes the lowest one.
  template <class Reals>
  MLQ_INLINE Simd::H Codes(Reals reals, int v) const {
    const Simd::I a = Simd::Nearest(Simd::Smaller(reals(v), highest)), b = Simd::Nearest(Simd::Smaller(reals(v + 1), highest));
    return Simd::ClampHalves(Simd::PackHalves(a, b), low, high);
  }
};

}  // namespace

#endif
