// Dense layer with narrow weights in groups: a lane is an output, an instruction multiplies four weights of it with four
// codes of the row. Weights stay packed in memory: containers of 2 bits (2-bit weights), 4 bits (3 and 4) or 8 (5 to 8).
// Packed: [panel][group]{ scales float[kWidth], [blocks][kVectors][vector of bytes] }; a byte of a block holds, from its low bits
// up, the weight + offset of 8 / container successive steps. The integer sum starts at -offset * (sum of the row's codes).
#ifndef MLQ_GROUPED_DENSE_H
#define MLQ_GROUPED_DENSE_H

#include "kernels/common.h"

namespace {

constexpr int kLanes = Simd::kLanes;
constexpr int kWidth = kLanes * Group::kVectors;
constexpr int kVectorBytes = kLanes * 4;
constexpr int kAlign = 16;                 // codes of a group: a multiple of the largest block
constexpr int64_t kStripeBytes = 256 << 10;  // row codes of one tile, which stay in the second-level cache
constexpr int64_t kStripeBlocks = 24;      // a tile stays small enough to share work out

struct Groups {
  int count, container, size;
  int64_t stride, last, row;  // codes of a group, of the last group and of a row, padded
};

MLQ_INLINE Groups GroupsOf(const mlq_grouped& g) {
  Groups r;
  r.size = Min(g.group_size, g.inputs);
  r.count = CeilDivide(g.inputs, r.size);
  r.container = g.bits <= 2 ? 2 : g.bits <= 4 ? 4 : 8;
  r.stride = CeilDivide(r.size, kAlign) * kAlign;
  r.last = CeilDivide(g.inputs - (r.count - 1) * r.size, kAlign) * kAlign;
  r.row = (r.count - 1) * r.stride + r.last;
  return r;
}

MLQ_INLINE int64_t PanelBytes(const Groups& s) { return s.row * kWidth * s.container / 8 + (int64_t)s.count * kWidth * 4; }

MLQ_INLINE int Panels(const mlq_grouped& g) { return CeilDivide(g.outputs, kWidth); }

MLQ_INLINE int StripeRows(const Groups& s) { return (int)Clip<int64_t>(kStripeBytes / s.row / Group::kRows, 1, kStripeBlocks) * Group::kRows; }

void PackGroup(const mlq_grouped& g, const Groups& s, const int8_t* weights, const float* scales, int panel, int group, uint8_t* to) {
  const int first = panel * kWidth, steps = 8 / s.container, offset = Group::Offset(s.container);
  float* target = (float*)(void*)to;
  for (int i = 0; i < kWidth; i++) {
    target[i] = first + i < g.outputs ? scales[(int64_t)(first + i) * s.count + group] : 0;
  }
  to += kWidth * 4;
  const int begin = group * s.size, size = Min(s.size, g.inputs - begin);
  const int padded = (int)(group + 1 < s.count ? s.stride : s.last);
  for (int k = 0; k < padded; k += 4 * steps) {
    for (int i = 0; i < kWidth * 4; i++, to++) {
      const int o = first + i / 4;
      unsigned byte = 0;
      for (int f = 0; f < steps; f++) {
        const int at = k + 4 * f + i % 4;
        const int weight = o < g.outputs && at < size ? weights[(int64_t)o * g.inputs + begin + at] : 0;
        byte |= ((unsigned)(weight + offset) & (0xffu >> (8 - s.container))) << (f * s.container);
      }
      *to = (uint8_t)byte;
    }
  }
}

void PackGroups(const mlq_grouped& g, const int8_t* weights, const float* scales, uint8_t* packed) {
  const Groups s = GroupsOf(g);
  for (int panel = 0; panel < Panels(g); panel++) {
    uint8_t* to = packed + panel * PanelBytes(s);
    for (int group = 0; group < s.count; group++) {
      PackGroup(g, s, weights, scales, panel, group, to);
      to += kWidth * 4 + s.stride * kWidth * s.container / 8;
    }
  }
}

struct Tail {
  const float* row_scales;
  const float* bias;
  float low, high;
  float* destination;
  int64_t stride;
};

// R rows times one panel of whole vectors. C: bits of the container.
template <int R, int C>
MLQ_NOINLINE void GroupedMicro(const Groups& s, const int8_t* codes, const int32_t* sums, const uint8_t* panel, const Tail& tail) {
  constexpr int V = Group::kVectors, F = 8 / C;
  typename Simd::F acc[R][V];
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < V; v++) { acc[r][v] = Simd::Zero(); }
  }
  for (int group = 0; group < s.count; group++) {
    const float* scales = (const float*)(const void*)panel;
    panel += kWidth * 4;
    typename Simd::I dot[R][V];
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::I start = Simd::BroadcastInt(-Group::Offset(C) * sums[(int64_t)r * s.count + group]);
      MLQ_UNROLL for (int v = 0; v < V; v++) { dot[r][v] = start; }
    }
    const int8_t* end = codes + (group + 1 < s.count ? s.stride : s.last);
    for (; codes < end; codes += 4 * F, panel += V * kVectorBytes) {
      typename Simd::I w[V][F];
      MLQ_UNROLL for (int v = 0; v < V; v++) { Group::Unpack<C>(panel + v * kVectorBytes, w[v]); }
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        typename Simd::I x[F];
        MLQ_UNROLL for (int f = 0; f < F; f++) {
          int32_t word;
          memcpy(&word, codes + r * s.row + 4 * f, 4);
          x[f] = Simd::BroadcastInt(word);
        }
        MLQ_UNROLL for (int v = 0; v < V; v++) { dot[r][v] = Group::Block<C>(dot[r][v], w[v], x); }
      }
    }
    MLQ_UNROLL for (int v = 0; v < V; v++) {
      const typename Simd::F scale = Simd::Load(scales + v * kLanes);
      MLQ_UNROLL for (int r = 0; r < R; r++) { acc[r][v] = Simd::Fma(Simd::ToFloat(dot[r][v]), scale, acc[r][v]); }
    }
  }
  const typename Simd::F low = Simd::Broadcast(tail.low), high = Simd::Broadcast(tail.high);
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    const typename Simd::F scale = Simd::Broadcast(tail.row_scales[r]);
    MLQ_UNROLL for (int v = 0; v < V; v++) {
      const typename Simd::F y = Simd::Add(Simd::Mul(acc[r][v], scale), Simd::Load(tail.bias + v * kLanes));
      Simd::Store(tail.destination + r * tail.stride + v * kLanes, Simd::Clamp(y, low, high));
    }
  }
}

using GroupedFunction = void (*)(const Groups&, const int8_t*, const int32_t*, const uint8_t*, const Tail&);

template <int R>
GroupedFunction FindGrouped(int rows, int container) {
  if constexpr (R == 0) {
    return nullptr;
  } else {
    return rows != R           ? FindGrouped<R - 1>(rows, container)
           : container == 2 ? &GroupedMicro<R, 2>
           : container == 4 ? &GroupedMicro<R, 4>
                            : &GroupedMicro<R, 8>;
  }
}

struct GroupedCall {
  const mlq_grouped& g;
  Groups s;
  const int8_t* codes;
  const int32_t* sums;
  const float* row_scales;
  const uint8_t* packed;
  const float* bias;
  float low, high;
  float* destination;
};

// The last panel's outputs are fewer than its lanes: bias and results go through a buffer.
MLQ_NOINLINE void RunPart(const GroupedCall& c, int row, int rows, int panel) {
  const int first = panel * kWidth, width = Min(kWidth, c.g.outputs - first);
  const GroupedFunction micro = FindGrouped<Group::kRows>(rows, c.s.container);
  const int8_t* codes = c.codes + row * c.s.row;
  const int32_t* sums = c.sums + (int64_t)row * c.s.count;
  const uint8_t* weights = c.packed + panel * PanelBytes(c.s);
  float* y = c.destination + (int64_t)row * c.g.outputs + first;
  if (width == kWidth) {
    micro(c.s, codes, sums, weights, Tail{c.row_scales + row, c.bias + first, c.low, c.high, y, c.g.outputs});
    return;
  }
  float bias[kWidth] = {}, out[Group::kRows * kWidth];
  memcpy(bias, c.bias + first, sizeof(float) * (size_t)width);
  micro(c.s, codes, sums, weights, Tail{c.row_scales + row, bias, c.low, c.high, out, kWidth});
  for (int r = 0; r < rows; r++) {
    memcpy(y + (int64_t)r * c.g.outputs, out + r * kWidth, sizeof(float) * (size_t)width);
  }
}

void RunGrouped(const GroupedCall& c, int begin, int end) {
  const int panels = Panels(c.g), stripe = StripeRows(c.s);
  for (int tile = begin; tile < end; tile++) {
    const int last = Min(c.g.rows, (tile / panels + 1) * stripe);
    for (int row = tile / panels * stripe; row < last; row += Group::kRows) {
      RunPart(c, row, Min(Group::kRows, last - row), tile % panels);
    }
  }
}

}  // namespace

#define MLQ_DEFINE_GROUPED_DENSE(isa)                                                                                       \
  extern "C" int64_t mlq_##isa##_grouped_dense_packed_size(const mlq_grouped* geometry) {                                   \
    return Panels(*geometry) * PanelBytes(GroupsOf(*geometry));                                                             \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_grouped_dense_pack(const mlq_grouped* geometry, const int8_t* weights, const float* scales,   \
                                                 void* packed) {                                                            \
    PackGroups(*geometry, weights, scales, (uint8_t*)packed);                                                               \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_grouped_dense_tiles(const mlq_grouped* geometry) {                                         \
    return Panels(*geometry) * CeilDivide(geometry->rows, StripeRows(GroupsOf(*geometry)));                                 \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_grouped_dense(const mlq_grouped* geometry, const int8_t* codes, const int32_t* sums,          \
                                            const float* row_scales, const void* packed, const float* bias, float low,      \
                                            float high, float* destination, int32_t tile_begin, int32_t tile_end) {         \
    RunGrouped(GroupedCall{*geometry, GroupsOf(*geometry), codes, sums, row_scales, (const uint8_t*)packed, bias, low,      \
                           high, destination},                                                                              \
               tile_begin, tile_end);                                                                                       \
  }

#endif
