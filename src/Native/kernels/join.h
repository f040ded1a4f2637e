// What a layer does to codes in the same pass: the addition of a residual, bytes, and bits of planes.
#ifndef MLQ_JOIN_H
#define MLQ_JOIN_H

#include "kernels/codes.h"

namespace {

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

}  // namespace

#endif
