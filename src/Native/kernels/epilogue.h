// What follows the integer products; the rule of the managed class Requantization, with no fused multiply-add.
#ifndef MLQ_EPILOGUE_H
#define MLQ_EPILOGUE_H

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

// What follows codes in the same pass, for a panel of kCount channels. kMost: thresholds that may be; kWhole: IsWholeJoin. Numbers are given by the channel;
// lanes behind the last one of `valid` are computed and not written.
template <class T, int Vectors, int kMost, bool kWhole = false>
struct Join {
  static constexpr int kCount = Vectors * Simd::kLanes;
  static constexpr int kReached = kMost > 0 ? kMost : 1;
  const mlq_join& j;
  const Tail own, sum;
  const int64_t channels;
  const int channel, valid, stride, plane_bytes;
  const uint32_t rising;
  const T* const other;
  T* const stream;
  uint8_t* const bytes;
  uint8_t* const planes;
  const int32_t* const table;
  const Halves<Vectors, kWhole> halves;
  alignas(64) int16_t marks[kWhole ? kReached : 1][kWhole ? kCount : 1];  // thresholds less one, so that sums of 16 bits can be compared

  MLQ_INLINE Join(const mlq_epilogue& e, int first, int valid_channels)
      : j(*e.join),
        own(0, e.minimum - e.zero_point, e.maximum - e.zero_point),
        sum(j.zero_point, j.minimum, j.maximum),
        channels(j.channels),
        channel(first),
        valid(valid_channels),
        stride(CeilDivide(j.channels, 32) * 32),
        // The last panel writes its word to the end.
        plane_bytes(first + valid_channels == j.channels ? (stride - first) / 8 : kCount / 8),
        rising(kMost > 0 ? j.rising[first / 32] >> (first % 32) : 0),
        other(j.other ? (const T*)j.other + first : nullptr),
        stream((T*)(void*)j.stream + first),
        bytes(j.bytes ? j.bytes + first : nullptr),
        planes(kMost > 0 ? j.planes + first / 8 : nullptr),
        table(kMost > 0 ? j.table + first : nullptr),
        halves(e) {
    for (int n = 0; kWhole && n < kMost && n < j.threshold_count; n++) {
      for (int i = 0; i < kCount; i++) {
        marks[n][i] = (int16_t)Clip<int64_t>((int64_t)table[(int64_t)n * stride + i] - 1, INT16_MIN, INT16_MAX);
      }
    }
  }

  // reals(v): what the epilogue makes of the sums of vector v, before it is clamped.
  template <class Reals>
  MLQ_INLINE void Row(int64_t pixel, Reals reals) const {
    const int64_t place = pixel * channels;
    const T* others = other ? other + place : nullptr;
    uint8_t* made = bytes ? bytes + place : nullptr;
    if (valid == kCount) {
      Codes<true>(reals, others, stream + place, made, pixel);
    } else {
      Codes<false>(reals, others, stream + place, made, pixel);
    }
  }

 private:
  // Lanes of a part of the panel that begins at `lane` and has `most`.
  MLQ_INLINE int CountFrom(int lane, int most) const { return Clip(valid - lane, 0, most); }

  template <bool kFull, class Reals>
  MLQ_INLINE void Codes(Reals reals, const T* others, T* sums, uint8_t* made, int64_t pixel) const {
    if constexpr (kWhole) {
      return Whole<kFull>(reals, others, sums, pixel);
    }
    uint32_t above[kReached] = {};
    MLQ_UNROLL for (int v = 0; v < Vectors; v++) {
      const int lane = v * Simd::kLanes, count = kFull ? Simd::kLanes : CountFrom(lane, Simd::kLanes);
      const Simd::F code = Simd::RoundFloat(Simd::Clamp(reals(v), own.low, own.high));
      const Simd::I total = others ? Total(code, kFull ? LoadCodes(others + lane) : LoadSome(others + lane, count)) : Simd::AddInt(Simd::Nearest(code), sum.zero);
      kFull ? StoreCodes(sums + lane, total) : StoreSome(sums + lane, total, count);
      if (made) {
        kFull ? StoreCodes(made + lane, Byte(total)) : StoreSome(made + lane, Byte(total), count);
      }
      MLQ_UNROLL for (int n = 0; n < kMost; n++) {
        if (n == 0 || n < j.threshold_count) {
          above[n] |= Simd::GreaterMask(Simd::LoadInt(table + (int64_t)n * stride + lane), total) << lane;
        }
      }
    }
    Planes(above, pixel);
  }

  template <bool kFull, class Reals>
  MLQ_INLINE void Whole(Reals reals, const int16_t* others, int16_t* sums, int64_t pixel) const {
    uint32_t above[kReached] = {};
    const Simd::H low = Simd::BroadcastHalf((int16_t)j.minimum), high = Simd::BroadcastHalf((int16_t)j.maximum);
    MLQ_UNROLL for (int v = 0; v < Vectors; v += 2) {
      const int lane = v * Simd::kLanes, count = kFull ? 2 * Simd::kLanes : CountFrom(lane, 2 * Simd::kLanes);
      Simd::H total = halves.Codes(reals, v);
      if (others) {
        const Simd::H right = kFull ? Simd::LoadHalves(others + lane) : Some::LoadHalves(others + lane, count);
        total = Simd::ClampHalves(Simd::AddHalves(total, right), low, high);
      }
      kFull ? Simd::StoreHalves(sums + lane, total) : Some::StoreHalves(sums + lane, total, count);
      MLQ_UNROLL for (int n = 0; n < kMost; n++) {
        if (n == 0 || n < j.threshold_count) {
          above[n] |= Simd::NotLessMask(Simd::LoadHalves(marks[n] + lane), total) << lane;
        }
      }
    }
    Planes(above, pixel);
  }

  MLQ_INLINE Simd::I Total(Simd::F code, Simd::I others) const {
    const Simd::I right = Simd::SubInt(others, Simd::BroadcastInt(j.other_zero_point));
    const Simd::F left = Simd::Mul(code, Simd::Broadcast(j.own_multiplier));
    return sum(Simd::Add(left, Simd::Mul(Simd::ToFloat(right), Simd::Broadcast(j.other_multiplier))));
  }

  MLQ_INLINE Simd::I Byte(Simd::I total) const {
    const Tail tail(j.byte_zero_point, j.byte_minimum, j.byte_maximum);
    const Simd::F value = Simd::ToFloat(Simd::SubInt(total, sum.zero));
    return tail(Simd::Add(Simd::Mul(value, Simd::Broadcast(j.byte_multiplier)), Simd::Broadcast(j.byte_offset)));
  }

  MLQ_INLINE void Planes(const uint32_t (&above)[kReached], int64_t pixel) const {
    constexpr uint32_t mask = kCount >= 32 ? ~0u : (1u << (kCount & 31)) - 1;
    const int64_t plane = stride / 8;
    if constexpr (kMost == 1) {
      StoreWord(planes + pixel * plane, (above[0] ^ rising) & mask);
    } else if constexpr (kMost > 1) {
      const uint32_t a = (above[0] ^ rising) & mask;
      const uint32_t b = j.threshold_count > 1 ? (above[1] ^ rising) & mask : 0;
      const uint32_t c = j.threshold_count > 2 ? (above[2] ^ rising) & mask : 0;
      uint8_t* target = planes + pixel * 2 * plane;
      StoreWord(target, a ^ b ^ c);
      StoreWord(target + plane, (a & b) | (a & c) | (b & c));
    }
  }

  MLQ_INLINE void StoreWord(uint8_t* target, uint32_t word) const {
    if (plane_bytes == 4) {
      memcpy(target, &word, 4);
    } else {
      memcpy(target, &word, (size_t)plane_bytes);
    }
  }
};

// Parameters of `W` = vectors * lanes neighbouring channels, copied so that whole vectors can be read.
template <int Vectors>
struct ChannelEpilogue {
  static constexpr int kCount = Vectors * Simd::kLanes;
  static constexpr bool kPairs = Vectors % 2 == 0;
  alignas(64) int32_t bias[kCount];
  alignas(64) float multipliers[kCount];
  alignas(64) float offsets[kCount];
  const mlq_epilogue& e;
  int first;
  int valid;
  bool packs;   // codes of 8 bits by saturating steps
  bool halves;  // codes of 16 bits by saturating steps, joins among them
  bool shifts;  // some offset is not 0

  // correction: added to the bias, one value for each lane, or null.
  ChannelEpilogue(const mlq_epilogue& epilogue, int channel, int count, const int32_t* correction) : e(epilogue), first(channel), valid(count) {
    const bool scaled = e.output != MLQ_OUTPUT_INT32;
    if (count == kCount) {
      Copy(channel, kCount, scaled, correction);
    } else {
      memset(bias, 0, sizeof bias);
      memset(multipliers, 0, sizeof multipliers);
      memset(offsets, 0, sizeof offsets);
      Copy(channel, count, scaled, correction);
    }
    if (!scaled) {
      memset(multipliers, 0, sizeof multipliers);
      memset(offsets, 0, sizeof offsets);
    }
    packs = kPairs && e.output == MLQ_OUTPUT_UINT8 && IsByteRange(e) && IsTame(multipliers, offsets, kCount);
    halves = kPairs && e.output == MLQ_OUTPUT_INT16 && AreFinite(multipliers, offsets, kCount) && (e.join ? IsWholeJoin(e) : IsHalfRange(e.zero_point, e.minimum, e.maximum));
    shifts = !HasNoOffsets(offsets, kCount);
  }

  // The same with what follows the codes; the rows are output pixels from `pixel` on.
  MLQ_INLINE void RunJoined(const int32_t* accumulators, int rows, int64_t pixel, uint8_t* destination, int64_t pitch) const {
    if (!e.join) {
      Run(accumulators, rows, destination, pitch);
    } else if (e.output == MLQ_OUTPUT_UINT8) {
      Joined<uint8_t>(accumulators, rows, pixel);
    } else if (halves) {
      Joined<int16_t, kPairs>(accumulators, rows, pixel);
    } else {
      Joined<int16_t>(accumulators, rows, pixel);
    }
  }

  // What becomes of an accumulator less its bias before it is clamped.
  MLQ_INLINE Simd::F Real(Simd::I sum, int v) const {
    const Simd::I accumulator = Simd::AddInt(sum, Simd::LoadInt(bias + v * Simd::kLanes));
    const Simd::F product = Simd::Mul(Simd::ToFloat(accumulator), Simd::Load(multipliers + v * Simd::kLanes));
    return Simd::Add(product, Simd::Load(offsets + v * Simd::kLanes));
  }

  // rows of accumulators [rows][kCount] to destination + r * pitch bytes.
  void Run(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    if constexpr (kPairs) {
      if (packs) {
        return shifts ? Packed<true>(accumulators, rows, destination, pitch) : Packed<false>(accumulators, rows, destination, pitch);
      }
      if (halves) {
        return CodesOfHalves(accumulators, rows, destination, pitch);
      }
    }
    switch (e.output) {
      case MLQ_OUTPUT_UINT8:
        return Codes<uint8_t>(accumulators, rows, destination, pitch);
      case MLQ_OUTPUT_INT16:
        return Codes<int16_t>(accumulators, rows, destination, pitch);
      case MLQ_OUTPUT_INT32:
        return Sums(accumulators, rows, destination, pitch);
      default:
        return Floats(accumulators, rows, destination, pitch);
    }
  }

 private:
  MLQ_INLINE void Copy(int channel, int count, bool scaled, const int32_t* correction) {
    memcpy(bias, e.bias + channel, sizeof(int32_t) * (size_t)count);
    if (scaled) {
      memcpy(multipliers, e.multipliers + channel, sizeof(float) * (size_t)count);
      memcpy(offsets, e.offsets + channel, sizeof(float) * (size_t)count);
    }
    for (int i = 0; correction && i < count; i++) {
      bias[i] = (int32_t)((uint32_t)bias[i] + (uint32_t)correction[i]);
    }
  }

  template <class T, bool kWhole = false>
  MLQ_INLINE void Joined(const int32_t* accumulators, int rows, int64_t pixel) const {
    const int count = e.join->threshold_count;
    count == 0                 ? JoinedRows<T, 0, kWhole>(accumulators, rows, pixel)
    : e.join->plane_bits == 1 ? JoinedRows<T, 1, kWhole>(accumulators, rows, pixel)
                              : JoinedRows<T, 3, kWhole>(accumulators, rows, pixel);
  }

  template <class T, int kMost, bool kWhole>
  MLQ_NOINLINE void JoinedRows(const int32_t* accumulators, int rows, int64_t pixel) const {
    const Join<T, Vectors, kMost, kWhole> join(e, first, valid);
    for (int r = 0; r < rows; r++, accumulators += kCount) {
      join.Row(pixel + r, [&](int v) __attribute__((always_inline)) { return Scaled(accumulators, v); });
    }
  }

  template <bool Shifts>
  MLQ_NOINLINE void Packed(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    const Simd::CodeRange range(e.zero_point, e.minimum, e.maximum);
    for (int r = 0; r < rows; r++, destination += pitch, accumulators += kCount) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v += 2) {
        const int first = v * Simd::kLanes;
        if (first < valid) {
          Simd::StorePair(destination + first, Simd::Nearest(Term<Shifts>(accumulators, v)), Simd::Nearest(Term<Shifts>(accumulators, v + 1)), range,
                          Min(2 * Simd::kLanes, valid - first));
        }
      }
    }
  }

  template <bool Shifts>
  MLQ_INLINE Simd::F Term(const int32_t* accumulators, int v) const {
    const Simd::F product = Simd::Mul(Simd::ToFloat(Sum(accumulators, v)), Simd::Load(multipliers + v * Simd::kLanes));
    return Shifts ? Simd::Add(product, Simd::Load(offsets + v * Simd::kLanes)) : product;
  }

  MLQ_INLINE Simd::I Sum(const int32_t* accumulators, int v) const {
    return Simd::AddInt(Simd::LoadInt(accumulators + v * Simd::kLanes), Simd::LoadInt(bias + v * Simd::kLanes));
  }

  MLQ_INLINE Simd::F Scaled(const int32_t* accumulators, int v) const {
    return Term<true>(accumulators, v);
  }

  // Calls body(r, target) for each row; the target of a row with lanes outside is a buffer of which the valid ones are copied.
  template <class T, class Body>
  MLQ_INLINE void EachRow(int rows, uint8_t* destination, int64_t pitch, Body body) const {
    alignas(64) T buffer[kCount < 8 ? 8 : kCount];
    if (valid == kCount) {
      for (int r = 0; r < rows; r++, destination += pitch) {
        body(r, (T*)destination);
      }
      return;
    }
    for (int r = 0; r < rows; r++, destination += pitch) {
      body(r, buffer);
      CopyFew(destination, buffer, (int)sizeof(T) * valid);
    }
  }

  template <class T>
  MLQ_NOINLINE void Codes(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    const Tail tail(e.zero_point, e.minimum, e.maximum);
    EachRow<T>(rows, destination, pitch, [&](int r, T* target) __attribute__((always_inline)) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v++) {
        StoreCodes(target + v * Simd::kLanes, tail(Scaled(accumulators + r * kCount, v)));
      }
    });
  }

  MLQ_NOINLINE void CodesOfHalves(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    if constexpr (kPairs) {
      const Halves<Vectors, true> codes(e);
      EachRow<int16_t>(rows, destination, pitch, [&](int r, int16_t* target) __attribute__((always_inline)) {
        const auto reals = [&](int v) __attribute__((always_inline)) { return Scaled(accumulators + r * kCount, v); };
        MLQ_UNROLL for (int v = 0; v < Vectors; v += 2) { Simd::StoreHalves(target + v * Simd::kLanes, codes.Codes(reals, v)); }
      });
    }
  }

  MLQ_NOINLINE void Sums(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    EachRow<int32_t>(rows, destination, pitch, [&](int r, int32_t* target) __attribute__((always_inline)) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v++) {
        Simd::StoreInt(target + v * Simd::kLanes, Sum(accumulators + r * kCount, v));
      }
    });
  }

  MLQ_NOINLINE void Floats(const int32_t* accumulators, int rows, uint8_t* destination, int64_t pitch) const {
    const Simd::F low = Simd::Broadcast(e.low);
    const Simd::F high = Simd::Broadcast(e.high);
    EachRow<float>(rows, destination, pitch, [&](int r, float* target) __attribute__((always_inline)) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v++) {
        Simd::Store(target + v * Simd::kLanes, Simd::Clamp(Scaled(accumulators + r * kCount, v), low, high));
      }
    });
  }
};

}  // namespace

#endif
