// Accumulators to codes by thresholds. Falling channels compare complements: x <= T is ~x >= ~T.
#ifndef MLQ_PLANES_THRESHOLDS_H
#define MLQ_PLANES_THRESHOLDS_H

#include "kernels/common.h"

namespace {

constexpr int kPanel = 32;  // outputs of a panel: the bits of a word
constexpr int kPanelVectors = kPanel / Simd::kLanes;
constexpr int kMostThresholds = 15;

// Bias, directions and up to `Most` thresholds of a panel.
template <int Most>
struct PanelThresholds {
  alignas(64) int32_t bias[kPanel];
  alignas(64) int32_t flips[kPanel];
  alignas(64) int32_t table[Most][kPanel];
  int count;

  PanelThresholds(const mlq_plane_tile& t, int channel, int width, const int32_t* constants) : count(Min(t.threshold_count, Most)) {
    memset(this->bias, 0, sizeof bias);
    memset(this->flips, 0, sizeof flips);
    for (int i = 0; i < width; i++) {
      bias[i] = (int32_t)((uint32_t)t.epilogue->bias[channel + i] + (uint32_t)constants[i]);
      flips[i] = t.directions && t.directions[channel + i] < 0 ? -1 : 0;
    }
    for (int n = 0; n < count; n++) {
      const int32_t* values = t.thresholds + (int64_t)n * t.out_channels + channel;
      for (int i = 0; i < kPanel; i++) {
        table[n][i] = i < width ? values[i] ^ flips[i] : 0;
      }
    }
  }

  // Accumulators of a vector, complemented where the channel falls.
  MLQ_INLINE Simd::I Sum(const int32_t* sums, int v) const {
    return Simd::XorInt(Simd::AddInt(Simd::LoadInt(sums + v * Simd::kLanes), Simd::LoadInt(bias + v * Simd::kLanes)),
                        Simd::LoadInt(flips + v * Simd::kLanes));
  }
};

struct ByteCodeWriter {
  const mlq_plane_tile& t;
  int channel, width;
  PanelThresholds<kMostThresholds> thresholds;

  ByteCodeWriter(const mlq_plane_tile& tile, int first, int valid, const int32_t* constants)
      : t(tile), channel(first), width(valid), thresholds(tile, first, valid, constants) {}

  void Write(const int32_t* sums, const int64_t* outputs, int rows) const {
    alignas(64) uint8_t buffer[kPanel];
    for (int r = 0; r < rows; r++, sums += kPanel) {
      uint8_t* target = t.destination + outputs[r] * t.out_channels + channel;
      uint8_t* codes = width == kPanel ? target : buffer;
      MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) {
        const Simd::I sum = thresholds.Sum(sums, v);
        Simd::I code = Simd::BroadcastInt(thresholds.count);
        for (int n = 0; n < thresholds.count; n++) {
          code = Simd::LessOneWhereGreater(code, Simd::LoadInt(thresholds.table[n] + v * Simd::kLanes), sum);
        }
        Simd::StoreU8(codes + v * Simd::kLanes, code);
      }
      if (width < kPanel) {
        memcpy(target, buffer, (size_t)width);
      }
    }
  }
};

// One threshold for one bit; up to three for two bits, whose sum is that of a full adder.
template <int PlaneBits>
struct PlaneCodeWriter {
  static constexpr int kMost = (1 << PlaneBits) - 1;
  const mlq_plane_tile& t;
  uint8_t* first;  // the panel's word of pixel 0
  int64_t plane;   // bytes between planes
  uint32_t valid;
  PanelThresholds<kMost> thresholds;

  PlaneCodeWriter(const mlq_plane_tile& tile, int channel, int width, const int32_t* constants)
      : t(tile),
        first(tile.destination + channel / kPanel * sizeof(uint32_t)),
        plane(CeilDivide(tile.out_channels, kPanel) * (int64_t)sizeof(uint32_t)),
        valid(width == kPanel ? ~0u : (1u << width) - 1),
        thresholds(tile, channel, width, constants) {}

  void Write(const int32_t* sums, const int64_t* outputs, int rows) const {
    for (int r = 0; r < rows; r++, sums += kPanel) {
      uint32_t below[kMost] = {};
      MLQ_UNROLL for (int v = 0; v < kPanelVectors; v++) {
        const Simd::I sum = thresholds.Sum(sums, v);
        for (int n = 0; n < (PlaneBits == 1 ? 1 : thresholds.count); n++) {
          below[n] |= Simd::GreaterBits(Simd::LoadInt(thresholds.table[n] + v * Simd::kLanes), sum) << (v * Simd::kLanes);
        }
      }
      Store(below, first + outputs[r] * PlaneBits * plane);
    }
  }

 private:
  // below: the sums below each threshold, a bit each.
  MLQ_INLINE void Store(const uint32_t* below, uint8_t* target) const {
    if constexpr (PlaneBits == 1) {
      StoreWord(target, ~below[0]);
    } else {
      const uint32_t a = ~below[0];
      const uint32_t b = thresholds.count > 1 ? ~below[1] : 0;
      const uint32_t c = thresholds.count > 2 ? ~below[2] : 0;
      StoreWord(target, a ^ b ^ c);
      StoreWord(target + plane, (a & b) | (a & c) | (b & c));
    }
  }

  MLQ_INLINE void StoreWord(uint8_t* target, uint32_t word) const {
    word &= valid;
    memcpy(target, &word, sizeof word);
  }
};

}  // namespace

#endif
