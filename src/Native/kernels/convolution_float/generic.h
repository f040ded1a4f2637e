// Float convolution as an outer product over panels of weights: a lane is an output, each output is one chain of fused
// multiply-adds in the order (kd, kh, kw, c), taps in padding are skipped. Packed weights: [group][panel][depth][width].
#ifndef MLQ_CONVOLUTION_FLOAT_H
#define MLQ_CONVOLUTION_FLOAT_H

#include "kernels/convolution/plan.h"

namespace {

constexpr int kWidth = Simd::kLanes * Simd::kVectors;
constexpr int64_t kFloatWork = 1 << 20;

Plan FloatPlan(const mlq_geometry& g) {
  const int taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  const int most = Min(kMaxPixels, kTableEntries / Clip(taps, 1, kMaxTaps));
  return MakePlan(g, kWidth, Simd::kRows, most, taps > kMaxTaps, kFloatWork);
}

// One chunk of taps of R pixels times P panels. accumulators are [P][R][kWidth].
template <int R, int P>
MLQ_NOINLINE void FloatMicro(const float* const* table, const uint32_t* masks, int taps, int channels, const float* weights,
                             int64_t panel_stride, float* accumulators, bool resume) {
  constexpr int V = Simd::kVectors;
  typename Simd::F acc[R][P * V];
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < P * V; v++) {
      acc[r][v] = resume ? Simd::Load(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes) : Simd::Zero();
    }
  }
  constexpr uint32_t all = (1u << R) - 1;
  for (int tap = 0; tap < taps; tap++, table += R, weights += (int64_t)channels * kWidth) {
    const uint32_t skipped = ~masks[tap] & all;
    if (skipped == all) {
      continue;
    }
    if (skipped != 0) {
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        if ((skipped >> r & 1) != 0) {
          MLQ_UNROLL for (int v = 0; v < P * V; v++) {
            Simd::Store(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes, acc[r][v]);
          }
        }
      }
    }
    const float* w = weights;
    for (int c = 0; c < channels; c++, w += kWidth) {
      typename Simd::F panel[P * V];
      MLQ_UNROLL for (int v = 0; v < P * V; v++) {
        panel[v] = Simd::Load(w + v / V * panel_stride + v % V * Simd::kLanes);
      }
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        const typename Simd::F x = Simd::Broadcast(table[r][c]);
        MLQ_UNROLL for (int v = 0; v < P * V; v++) { acc[r][v] = Simd::Fma(x, panel[v], acc[r][v]); }
      }
    }
    if (skipped != 0) {
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        if ((skipped >> r & 1) != 0) {
          MLQ_UNROLL for (int v = 0; v < P * V; v++) {
            acc[r][v] = Simd::Load(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes);
          }
        }
      }
    }
  }
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < P * V; v++) {
      Simd::Store(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes, acc[r][v]);
    }
  }
}

using FloatMicroFunction = void (*)(const float* const*, const uint32_t*, int, int, const float*, int64_t, float*, bool);

template <int R>
FloatMicroFunction FindFloatMicro(int rows, bool several) {
  if constexpr (R == 0) {
    return nullptr;
  } else {
    if (rows != R) {
      return FindFloatMicro<R - 1>(rows, several);
    }
    return several ? &FloatMicro<R, PanelsAtOnce(R, Simd::kVectors)> : &FloatMicro<R, 1>;
  }
}

// fl(accumulator + bias), clamped, for `rows` pixels of one panel with `outputs` valid lanes.
void FloatEpilogue(const float* accumulators, int rows, int outputs, const float* bias, float low, float high, float* destination,
                   int64_t pitch) {
  alignas(64) float padded[kWidth] = {};
  alignas(64) float tail[kWidth];
  memcpy(padded, bias, sizeof(float) * (size_t)outputs);
  const Simd::F lowest = Simd::Broadcast(low);
  const Simd::F highest = Simd::Broadcast(high);
  for (int r = 0; r < rows; r++, accumulators += kWidth, destination += pitch) {
    float* target = outputs == kWidth ? destination : tail;
    MLQ_UNROLL for (int v = 0; v < Simd::kVectors; v++) {
      const Simd::F sum = Simd::Add(Simd::Load(accumulators + v * Simd::kLanes), Simd::Load(padded + v * Simd::kLanes));
      Simd::Store(target + v * Simd::kLanes, Simd::Clamp(sum, lowest, highest));
    }
    if (outputs != kWidth) {
      memcpy(destination, tail, sizeof(float) * (size_t)outputs);
    }
  }
}

struct FloatCall {
  const mlq_geometry& g;
  const float* source;
  const float* weights;
  const float* bias;
  float low, high;
  float* destination;
};

void FloatTile(const FloatCall& call, const Plan& plan, const Tile& tile) {
  const mlq_geometry& g = call.g;
  const int pixels = tile.pixel_end - tile.pixel_begin;
  const int stripes = CeilDivide(pixels, Simd::kRows);
  const bool chunked = plan.taps > kMaxTaps;
  const int at_once = stripes == 1 ? PanelsAtOnce(pixels, Simd::kVectors) : 1;
  Window windows[kMaxPixels];
  const float* table[kTableEntries];
  uint32_t masks[kTableEntries / 4];
  alignas(64) float accumulators[kTileAccumulators];
  FindWindows(g, tile.pixel_begin, tile.pixel_end, tile.group * plan.channels, windows);
  const int64_t panel_size = (int64_t)plan.depth * kWidth;
  for (int first = 0; first < plan.taps; first += kMaxTaps) {
    const int taps = Min(kMaxTaps, plan.taps - first);
    for (int s = 0; s < stripes; s++) {
      const int begin = Share(pixels, s, stripes);
      FillTable(g, call.source, call.source, windows + begin, Share(pixels, s + 1, stripes) - begin, first, first + taps,
                table + begin * taps, masks + s * taps);
    }
    for (int panel = tile.panel_begin; panel < tile.panel_end;) {
      const int count = tile.panel_end - panel >= at_once ? at_once : 1;
      const float* w = call.weights + ((int64_t)tile.group * plan.panels + panel) * panel_size;
      for (int s = 0; s < stripes; s++) {
        const int begin = Share(pixels, s, stripes);
        const int rows = Share(pixels, s + 1, stripes) - begin;
        float* acc = accumulators + (chunked ? ((panel - tile.panel_begin) * pixels + begin) * kWidth : 0);
        FindFloatMicro<Simd::kRows>(rows, count > 1)(table + begin * taps, masks + s * taps, taps, plan.channels,
                                                     w + (int64_t)first * plan.channels * kWidth, panel_size, acc, first > 0);
        if (first + taps == plan.taps) {
          for (int i = 0; i < count; i++) {
            const int output = (panel + i) * kWidth;
            const int channel = tile.group * plan.outputs + output;
            FloatEpilogue(acc + i * rows * kWidth, rows, Min(kWidth, plan.outputs - output), call.bias + channel, call.low,
                          call.high, call.destination + (int64_t)(tile.pixel_begin + begin) * g.out_channels + channel,
                          g.out_channels);
          }
        }
      }
      panel += count;
    }
  }
}

int64_t FloatPackedSize(const mlq_geometry& g) {
  const Plan p = FloatPlan(g);
  return (int64_t)g.groups * p.panels * p.depth * kWidth * (int64_t)sizeof(float);
}

void FloatPack(const mlq_geometry& g, const float* weights, float* packed) {
  const Plan p = FloatPlan(g);
  for (int group = 0; group < g.groups; group++) {
    for (int panel = 0; panel < p.panels; panel++) {
      for (int lane = 0; lane < kWidth; lane++) {
        const int output = panel * kWidth + lane;
        const float* row = weights + ((int64_t)group * p.outputs + output) * p.depth;
        for (int k = 0; k < p.depth; k++) {
          packed[(int64_t)k * kWidth + lane] = output < p.outputs ? row[k] : 0;
        }
      }
      packed += (int64_t)p.depth * kWidth;
    }
  }
}

void FloatRun(const FloatCall& call, int begin, int end) {
  const Plan plan = FloatPlan(call.g);
  for (int i = begin; i < end; i++) {
    FloatTile(call, plan, TileAt(plan, i));
  }
}

}  // namespace

#define MLQ_DEFINE_CONVOLUTION_FLOAT(isa)                                                                                   \
  extern "C" int64_t mlq_##isa##_convolution_float_packed_size(const mlq_geometry* g) { return FloatPackedSize(*g); }       \
  extern "C" void mlq_##isa##_convolution_float_pack(const mlq_geometry* g, const float* weights, void* packed) {           \
    FloatPack(*g, weights, (float*)packed);                                                                                 \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_convolution_float_tiles(const mlq_geometry* g) { return FloatPlan(*g).tiles; }             \
  extern "C" void mlq_##isa##_convolution_float(const mlq_geometry* g, const float* source, const void* packed,             \
                                                const float* bias, float low, float high, float* destination,               \
                                                int32_t begin, int32_t end) {                                               \
    FloatRun(FloatCall{*g, source, (const float*)packed, bias, low, high, destination}, begin, end);                        \
  }

#endif
