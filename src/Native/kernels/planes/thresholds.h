// Accumulators to codes by thresholds.
#ifndef MLQ_PLANES_THRESHOLDS_H
#define MLQ_PLANES_THRESHOLDS_H

#include "kernels/common.h"

namespace {

constexpr int kPanel = 32;  // outputs of a panel: the bits of a word
constexpr int kPanelVectors = kPanel / Simd::kLanes;
constexpr int kMostThresholds = 15;

// Up to `Most` thresholds of a panel, so that sums without bias can be compared: acc >= T is sum >= T - bias, and acc <= T is not
// sum >= T - bias + 1. With `halves` sums are given at half their value. No sum reaches the ends of int32, where thresholds are cut off.
template <int Most>
struct PanelThresholds {
  alignas(64) int32_t table[Most][kPanel];
  alignas(64) int32_t falls[kPanel];  // -1 for a falling channel, else 0
  int count;

  PanelThresholds(const mlq_plane_tile& t, int channel, int width, const int32_t* constants, bool halves) : count(Min(t.threshold_count, Most)) {
    int64_t bias[kPanel];
    for (int i = 0; i < kPanel; i++) {
      const bool inside = i < width;
      falls[i] = inside && t.directions && t.directions[channel + i] < 0 ? -1 : 0;
      bias[i] = inside ? (int64_t)t.epilogue->bias[channel + i] + constants[i] + falls[i] : 0;
    }
    for (int n = 0; n < count; n++) {
      const int32_t* values = t.thresholds + (int64_t)n * t.out_channels + channel;
      for (int i = 0; i < kPanel; i++) {
        const int64_t least = i < width ? values[i] - bias[i] : 0;
        table[n][i] = (int32_t)Clip<int64_t>(halves ? (least + 1) >> 1 : least, INT32_MIN, INT32_MAX);
      }
    }
  }

  // A bit for each falling channel.
  uint32_t FallingBits() const {
    uint32_t bits = 0;
    for (int i = 0; i < kPanel; i++) {
      bits |= (uint32_t)(falls[i] & 1) << i;
    }
    return bits;
  }
};

struct ByteCodeWriter {
  const mlq_plane_tile& t;
  int channel, width;
  PanelThresholds<kMostThresholds> thresholds;

  ByteCodeWriter(const mlq_plane_tile& tile, int first, int valid, const int32_t* constants)
      : t(tile), channel(first), width(valid), thresholds(tile, first, valid, constants, false) {}

  void Write(const int32_t* sums, const int64_t* outputs, int rows) const {
    alignas(64) uint8_t buffer[kPanel];
    for (int r = 0; r < rows; r++, sums += kPanel) {
      uint8_t* target = t.destination + outputs[r] * t.out_channels + channel;
      uint8_t* codes = width == kPanel ? target : buffer;
      MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) { Simd::StoreU8(codes + v * Simd::kLanes, Code(sums, v)); }
      if (width < kPanel) {
        memcpy(target, buffer, (size_t)width);
      }
    }
  }

 private:
  // -below + count, or below where the channel falls.
  MLQ_INLINE Simd::I Code(const int32_t* sums, int v) const {
    const Simd::I sum = Simd::LoadInt(sums + v * Simd::kLanes);
    const Simd::I falls = Simd::LoadInt(thresholds.falls + v * Simd::kLanes);
    Simd::I below = Simd::ZeroInt();
    for (int n = 0; n < thresholds.count; n++) {
      below = Simd::LessOneWhereGreater(below, Simd::LoadInt(thresholds.table[n] + v * Simd::kLanes), sum);
    }
    const Simd::I all = Simd::AndNotInt(falls, Simd::BroadcastInt(thresholds.count));
    return Simd::AddInt(all, Simd::SubInt(Simd::XorInt(below, falls), falls));
  }
};

// One threshold for one bit; up to three for two bits, whose sum is that of a full adder.
template <int PlaneBits>
struct PlaneCodeWriter {
  static constexpr int kMost = (1 << PlaneBits) - 1;
  PanelThresholds<kMost> thresholds;
  uint8_t* first;   // the panel's word of pixel 0
  int64_t plane;    // bytes between planes
  uint32_t valid;
  uint32_t rising;  // bits of the channels that rise

  PlaneCodeWriter(const mlq_plane_tile& tile, int channel, int width, const int32_t* constants, bool halves = false)
      : thresholds(tile, channel, width, constants, halves),
        first(tile.destination + channel / kPanel * sizeof(uint32_t)),
        plane(CeilDivide(tile.out_channels, kPanel) * (int64_t)sizeof(uint32_t)),
        valid(width == kPanel ? ~0u : (1u << width) - 1),
        rising(~thresholds.FallingBits()) {}

  void Write(const int32_t* sums, const int64_t* outputs, int rows) const {
    for (int r = 0; r < rows; r++, sums += kPanel) {
      Simd::I sum[kPanelVectors];
      MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) { sum[v] = Simd::LoadInt(sums + v * Simd::kLanes); }
      WriteRow(sum, outputs[r]);
    }
  }

  // The sums of one pixel.
  MLQ_INLINE void WriteRow(const Simd::I (&sums)[kPanelVectors], int64_t output) const {
    uint8_t* target = first + output * PlaneBits * plane;
    if constexpr (PlaneBits == 1) {
      StoreWord(target, Reached(sums, 0));
    } else {
      const uint32_t a = Reached(sums, 0);
      const uint32_t b = thresholds.count > 1 ? Reached(sums, 1) : 0;
      const uint32_t c = thresholds.count > 2 ? Reached(sums, 2) : 0;
      StoreWord(target, a ^ b ^ c);
      StoreWord(target + plane, (a & b) | (a & c) | (b & c));
    }
  }

 private:
  MLQ_INLINE uint32_t Reached(const Simd::I (&sums)[kPanelVectors], int n) const {
    Simd::I table[kPanelVectors];
    MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) { table[v] = Simd::LoadInt(thresholds.table[n] + v * Simd::kLanes); }
    return Simd::GreaterWord(table, sums) ^ rising;
  }

  MLQ_INLINE void StoreWord(uint8_t* target, uint32_t word) const {
    word &= valid;
    memcpy(target, &word, sizeof word);
  }
};

// What a PlaneCodeWriter<1> does, its numbers in registers.
struct SignWriter {
  Simd::I table[kPanelVectors];
  uint8_t* const first;
  const int64_t pixel;
  const uint32_t valid, rising;

  explicit MLQ_INLINE SignWriter(const PlaneCodeWriter<1>& w) : first(w.first), pixel(w.plane), valid(w.valid), rising(w.rising & w.valid) {
    MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) { table[v] = Simd::LoadInt(w.thresholds.table[0] + v * Simd::kLanes); }
  }

  MLQ_INLINE void Write(const Simd::I (&sums)[kPanelVectors], int64_t output) const {
    const uint32_t word = (Simd::GreaterWord(table, sums) & valid) ^ rising;
    memcpy(first + output * pixel, &word, sizeof word);
  }
};

}  // namespace

#endif
