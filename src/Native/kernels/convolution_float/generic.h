// Float convolution as an outer product over panels of weights: a lane is an output, each output is one chain of fused
// multiply-adds in the order (kd, kh, kw, c), taps in padding are skipped. Packed weights: [group][panel][depth][width].
#ifndef MLQ_CONVOLUTION_FLOAT_H
#define MLQ_CONVOLUTION_FLOAT_H

#include "kernels/convolution/windows.h"

namespace {

constexpr int kWidth = Simd::kLanes * Simd::kVectors;
constexpr int64_t kFloatWork = 1 << 20;

Plan FloatPlan(const mlq_geometry& g) {
  const int taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  const int most = Min(kMaxPixels, kTableEntries / Clip(taps, 1, kMaxTaps));
  return MakePlan(g, kWidth, Simd::kRows, most, taps > kMaxTaps, kFloatWork);
}

// One chunk of runs of R pixels times P panels, of which V vectors hold outputs. accumulators are [P][R][kWidth].
template <int R, int P, int V>
MLQ_NOINLINE void FloatMicro(const float* const* table, const uint32_t* masks, int segments, int length,
                             const float* weights, int64_t panel_stride, int64_t ahead, float* accumulators, bool resume) {
  typename Simd::F acc[R][P * V];
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < P * V; v++) {
      acc[r][v] = resume ? Simd::Load(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes) : Simd::Zero();
    }
  }
  constexpr uint32_t all = (1u << R) - 1;
  for (int segment = 0; segment < segments; segment++, table += R, weights += (int64_t)length * kWidth) {
    const uint32_t skipped = ~masks[segment] & all;
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
    for (int64_t c = 0; c < length; c++, w += kWidth) {
      if constexpr (P == 1) {
        Prefetch(w, ahead);
      }
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

using FloatMicroFunction = void (*)(const float* const*, const uint32_t*, int, int, const float*, int64_t, int64_t, float*, bool);

// Which micro kernel: one panel, several panels at once, or one panel of which the first vector alone holds outputs.
enum Variant { kOne, kSeveral, kHalf };

// The micro kernels of 1 to Simd::kRows pixels.
struct FloatMicros {
  FloatMicroFunction of[Simd::kRows + 1][3] = {};

  template <int R>
  constexpr void Fill() {
    constexpr int V = Simd::kVectors;
    of[R][kOne] = &FloatMicro<R, 1, V>;
    of[R][kSeveral] = &FloatMicro<R, PanelsAtOnce(R, V), V>;
    of[R][kHalf] = &FloatMicro<R, 1, V / 2>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr FloatMicros() { Fill<Simd::kRows>(); }
};

constexpr FloatMicros kFloatMicros;

// fl(accumulator + bias), clamped, for `rows` pixels of one panel with `outputs` valid lanes.
void FloatEpilogue(const float* accumulators, int rows, int outputs, const float* bias, float low, float high, float* destination,
                   int64_t pitch) {
  alignas(64) float padded[kWidth] = {};
  alignas(64) float tail[kWidth];
  if (outputs != kWidth) {
    memcpy(padded, bias, sizeof(float) * (size_t)outputs);
    bias = padded;
  }
  const Simd::F lowest = Simd::Broadcast(low);
  const Simd::F highest = Simd::Broadcast(high);
  for (int r = 0; r < rows; r++, accumulators += kWidth, destination += pitch) {
    float* target = outputs == kWidth ? destination : tail;
    MLQ_UNROLL for (int v = 0; v < Simd::kVectors; v++) {
      const Simd::F sum = Simd::Add(Simd::Load(accumulators + v * Simd::kLanes), Simd::Load(bias + v * Simd::kLanes));
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

// The work of one tile.
struct FloatTile {
  const FloatCall& call;
  const Plan& plan;
  const Tile& tile;
  int pixels;
  int stripes;
  bool chunked;
  Stripe stripe[kMaxStripes];
  Windows windows;
  const float* table[kTableEntries + kSlack];
  uint32_t masks[kTableEntries / 4];
  alignas(64) float accumulators[kTileAccumulators];

  FloatTile(const FloatCall& c, const Plan& p, const Tile& t)
      : call(c), plan(p), tile(t), pixels(t.pixel_end - t.pixel_begin), chunked(p.taps > kMaxTaps) {}

  void Run() {
    if (IsPointwise(call.g)) {
      const float* first = call.source + (int64_t)tile.pixel_begin * call.g.in_channels + tile.group * plan.channels;
      stripes = PointwiseStripes(call.g, first, pixels, Simd::kRows, plan.channels, stripe, table);
      for (int s = 0; s < stripes; s++) {
        masks[s] = ~0u;
      }
      Panels(0, 1);
      return;
    }
    FindWindows(call.g, tile.pixel_begin, tile.pixel_end, tile.group * plan.channels, windows);
    for (int first = 0; first < plan.taps; first += kMaxTaps) {
      const int taps = Min(kMaxTaps, plan.taps - first);
      stripes = FindStripes(call.g, windows, pixels, Simd::kRows, taps, plan.channels, !chunked, stripe);
      for (int s = 0; s < stripes; s++) {
        FillTable(call.g, call.source, call.source, windows, stripe[s], first, first + taps, table + stripe[s].begin * taps, masks + s * taps);
      }
      Panels(first, taps);
    }
  }

  void Panels(int first, int taps) {
    const int at_once = stripes == 1 ? PanelsAtOnce(pixels, Simd::kVectors) : 1;
    const int64_t panel_size = (int64_t)plan.depth * kWidth;
    for (int panel = tile.panel_begin; panel < tile.panel_end;) {
      const int count = tile.panel_end - panel >= at_once ? at_once : 1;
      const bool half = plan.outputs - panel * kWidth <= kWidth / 2;
      const Variant variant = count > 1 ? kSeveral : half ? kHalf : kOne;
      const float* w = call.weights + ((int64_t)tile.group * plan.panels + panel) * panel_size + (int64_t)first * plan.channels * kWidth;
      for (int s = 0; s < stripes; s++) {
        const Stripe& p = stripe[s];
        float* acc = accumulators + (chunked ? ((panel - tile.panel_begin) * pixels + p.begin) * kWidth : 0);
        kFloatMicros.of[p.rows][variant](table + p.begin * taps, masks + s * taps, p.segments, p.length, w, panel_size, Ahead(p, stripes, panel_size * (int64_t)sizeof(float)), acc,
                                           first > 0);
        for (int i = 0; first + taps == plan.taps && i < count; i++) {
          Finish(panel + i, p, acc + i * p.rows * kWidth);
        }
      }
      panel += count;
    }
  }

  void Finish(int panel, const Stripe& p, const float* acc) const {
    const int output = panel * kWidth;
    const int channel = tile.group * plan.outputs + output;
    float* destination = call.destination + (int64_t)(tile.pixel_begin + p.begin) * call.g.out_channels + channel;
    FloatEpilogue(acc, p.rows, Min(kWidth, plan.outputs - output), call.bias + channel, call.low, call.high, destination, call.g.out_channels);
  }
};

int64_t FloatPackedSize(const mlq_geometry& g) {
  const Plan p = FloatPlan(g);
  return (int64_t)g.groups * p.panels * p.depth * kWidth * (int64_t)sizeof(float);
}

constexpr int kPackChannels = 16;  // whose weights lie in the first cache while lane after lane is written

// The channels [begin, end) of one lane; tap_pitch and channel_pitch say where its weights lie.
MLQ_INLINE void PackLane(const Plan& p, const float* row, int begin, int end, int tap_pitch, int channel_pitch, float* packed) {
  for (int tap = 0; tap < p.taps; tap++) {
    const float* from = row + (int64_t)tap * tap_pitch + (int64_t)begin * channel_pitch;
    float* target = packed + ((int64_t)tap * p.channels + begin) * kWidth;
    for (int channel = begin; channel < end; channel++, from += channel_pitch, target += kWidth) {
      *target = *from;
    }
  }
}

void FloatPack(const mlq_geometry& g, const float* weights, int order, float* packed, int part, int parts) {
  const Plan p = FloatPlan(g);
  const int all = g.groups * p.panels;
  const bool turn = order == MLQ_CHANNELS_FIRST;
  for (int i = Share(all, part, parts); i < Share(all, part + 1, parts); i++) {
    const int output = i % p.panels * kWidth;
    const int outputs = Min(kWidth, p.outputs - output);
    const float* rows = weights + ((int64_t)(i / p.panels) * p.outputs + output) * p.depth;
    float* panel = packed + (int64_t)i * p.depth * kWidth;
    for (int begin = 0; begin < p.channels; begin += kPackChannels) {
      for (int lane = 0; lane < outputs; lane++) {
        PackLane(p, rows + (int64_t)lane * p.depth, begin, Min(begin + kPackChannels, p.channels), turn ? 1 : p.channels, turn ? p.taps : 1, panel + lane);
      }
    }
    for (int k = 0; k < p.depth; k++) {
      for (int lane = outputs; lane < kWidth; lane++) {
        panel[(int64_t)k * kWidth + lane] = 0;
      }
    }
  }
}

void FloatRun(const FloatCall& call, int begin, int end) {
  const Plan plan = FloatPlan(call.g);
  for (int i = begin; i < end; i++) {
    const Tile tile = TileAt(plan, i);
    FloatTile(call, plan, tile).Run();
  }
}

}  // namespace

#define MLQ_DEFINE_CONVOLUTION_FLOAT(isa)                                                                                   \
  extern "C" int64_t mlq_##isa##_convolution_float_packed_size(const mlq_geometry* g) { return FloatPackedSize(*g); }       \
  extern "C" void mlq_##isa##_convolution_float_pack(const mlq_geometry* g, const float* weights, int32_t order,            \
                                                     void* packed, int32_t part, int32_t parts) {                           \
    FloatPack(*g, weights, order, (float*)packed, part, parts);                                                             \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_convolution_float_tiles(const mlq_geometry* g) { return FloatPlan(*g).tiles; }             \
  extern "C" void mlq_##isa##_convolution_float(const mlq_geometry* g, const float* source, const void* packed,             \
                                                const float* bias, float low, float high, float* destination,               \
                                                int32_t begin, int32_t end) {                                               \
    FloatRun(FloatCall{*g, source, (const float*)packed, bias, low, high, destination}, begin, end);                        \
  }

#endif
