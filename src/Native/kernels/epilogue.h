// What follows the integer products, for a panel of channels: bias, multiplier and offset, then codes, floats, sums or a join.
#ifndef MLQ_EPILOGUE_H
#define MLQ_EPILOGUE_H

#include "kernels/join.h"

namespace {

constexpr int64_t kAnyProducts = (int64_t)1 << 31;

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
  bool floats;
  bool shifts;  // some offset is not 0

  // correction: added to the bias, one value for each lane, or null. products: what a sum of products without them can reach in size.
  ChannelEpilogue(const mlq_epilogue& epilogue, int channel, int count, const int32_t* correction, int64_t products = kAnyProducts)
      : e(epilogue), first(channel), valid(count) {
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
    packs = kPairs && e.output == MLQ_OUTPUT_UINT8 && IsByteRange(e) && (IsTame(multipliers, offsets, kCount) || (products < kAnyProducts && IsTame(multipliers, offsets, kCount, Reach(products))));
    halves = kPairs && e.output == MLQ_OUTPUT_INT16 && AreFinite(multipliers, offsets, kCount) && (e.join ? IsWholeJoin(e) : IsHalfRange(e.zero_point, e.minimum, e.maximum));
    floats = e.output == MLQ_OUTPUT_FLOAT32;
    shifts = !HasNoOffsets(offsets, kCount);
  }

  // What a sum can reach in size with the bias in it, which holds the correction; every sum is 32 bits wide.
  MLQ_INLINE int64_t Reach(int64_t products) const {
    int64_t most = 0;
    for (int i = 0; i < kCount; i++) {
      most = Max<int64_t>(most, bias[i] < 0 ? -(int64_t)bias[i] : bias[i]);
    }
    return Min(products + most, kAnyProducts);
  }

  // Whether RunRows does what Run does.
  MLQ_INLINE bool TakesRegisters() const { return (packs || halves || floats) && !e.join && valid == kCount; }

  // What an accumulator begins with for RunRows.
  MLQ_INLINE Simd::I Bias(int v) const { return Simd::LoadInt(bias + v * Simd::kLanes); }

  // R rows of accumulators that are still in registers, their bias in them, to codes or floats.
  template <int R>
  MLQ_INLINE void RunRows(const Simd::I (&accumulators)[R][Vectors], uint8_t* destination, int64_t pitch) const {
    floats   ? FloatRows<R>(accumulators, destination, pitch)
    : halves ? HalfRows<R>(accumulators, destination, pitch)
    : shifts ? Rows<R, true>(accumulators, destination, pitch)
             : Rows<R, false>(accumulators, destination, pitch);
  }

  // Run with what follows the codes; the rows are output pixels from `pixel` on.
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
  MLQ_INLINE Simd::F Real(Simd::I sum, int v) const { return TermOf<true>(sum, v); }

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

  template <int R, bool Shifts>
  MLQ_INLINE void Rows(const Simd::I (&accumulators)[R][Vectors], uint8_t* destination, int64_t pitch) const {
    const Simd::CodeRange range(e.zero_point, e.minimum, e.maximum);
    MLQ_UNROLL for (int r = 0; r < R; r += 2, destination += 2 * pitch) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v += 2) {
        const Simd::I first[2] = {NearestOf<Shifts>(accumulators[r][v], v), NearestOf<Shifts>(accumulators[r][v + 1], v + 1)};
        if (r + 1 < R) {
          const int next = r + 1 < R ? r + 1 : r;  // in range where this is compiled and never run, too
          const Simd::I second[2] = {NearestOf<Shifts>(accumulators[next][v], v), NearestOf<Shifts>(accumulators[next][v + 1], v + 1)};
          Simd::StorePairs(destination + v * Simd::kLanes, destination + pitch + v * Simd::kLanes, first, second, range);
        } else {
          Simd::StorePair(destination + v * Simd::kLanes, first[0], first[1], range, 2 * Simd::kLanes);
        }
      }
    }
  }

  template <int R>
  MLQ_INLINE void FloatRows(const Simd::I (&accumulators)[R][Vectors], uint8_t* destination, int64_t pitch) const {
    const Simd::F low = Simd::Broadcast(e.low), high = Simd::Broadcast(e.high);
    MLQ_UNROLL for (int r = 0; r < R; r++, destination += pitch) {
      MLQ_UNROLL for (int v = 0; v < Vectors; v++) { Simd::Store((float*)destination + v * Simd::kLanes, Simd::Clamp(RealOf<true>(accumulators[r][v], v), low, high)); }
    }
  }

  template <int R>
  MLQ_INLINE void HalfRows(const Simd::I (&accumulators)[R][Vectors], uint8_t* destination, int64_t pitch) const {
    if constexpr (kPairs) {
      const Halves<Vectors, true> codes(e);
      MLQ_UNROLL for (int r = 0; r < R; r++, destination += pitch) {
        const auto reals = [&](int v) __attribute__((always_inline)) { return RealOf<true>(accumulators[r][v], v); };
        MLQ_UNROLL for (int v = 0; v < Vectors; v += 2) { Simd::StoreHalves((int16_t*)(void*)destination + v * Simd::kLanes, codes.Codes(reals, v)); }
      }
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
  MLQ_INLINE Simd::F TermOf(Simd::I accumulator, int v) const {
    return RealOf<Shifts>(Simd::AddInt(accumulator, Bias(v)), v);
  }

  // The bias is in the sum.
  template <bool Shifts>
  MLQ_INLINE Simd::F RealOf(Simd::I sum, int v) const {
    const Simd::F product = Simd::Mul(Simd::ToFloat(sum), Simd::Load(multipliers + v * Simd::kLanes));
    return Shifts ? Simd::Add(product, Simd::Load(offsets + v * Simd::kLanes)) : product;
  }

  template <bool Shifts>
  MLQ_INLINE Simd::I NearestOf(Simd::I sum, int v) const {
    return Simd::Nearest(RealOf<Shifts>(sum, v));
  }

  template <bool Shifts>
  MLQ_INLINE Simd::F Term(const int32_t* accumulators, int v) const {
    return TermOf<Shifts>(Simd::LoadInt(accumulators + v * Simd::kLanes), v);
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
