// Dense layer with narrow weights in groups: a lane is an output, an instruction multiplies four weights of it with four
// codes of the row. Weights stay packed in memory: containers of 2 bits (2-bit weights), 4 bits (3 and 4) or 8 (5 to 8).
// Packed: [panel][group]{ scales [kWidth], float or half, [blocks][vector of bytes] }; a byte of a block holds, from its low bits
// up, the weight + offset of 8 / container successive steps. The integer sum starts at -offset * (sum of the row's codes).
// One row is bound by memory: four panels are read side by side. More rows are bound by the products: two panels, unpacked as they are read,
// times as many rows as registers hold, an integer and a float sum for each.
#ifndef MLQ_GROUPED_DENSE_H
#define MLQ_GROUPED_DENSE_H

#include "kernels/common.h"

namespace {

constexpr int kWidth = Simd::kLanes;
constexpr int kVectorBytes = kWidth * 4;
constexpr int kAlign = 16;                 // codes of a group: a multiple of the largest block
constexpr int64_t kStripeBytes = 256 << 10;  // row codes of one tile, which stay in the second-level cache
constexpr int64_t kStripeBlocks = 24;      // a tile stays small enough to share work out
constexpr int kMany = 2, kFew = 4;         // panels of a tile; blocks of rows, shared out evenly, never fall to kFewRows
static_assert((Group::kRows + 1) / 2 > Group::kFewRows, "an even share of more rows than fit must not be few");

struct Groups {
  int count, container, size;
  bool half;
  int64_t stride, last, row;  // codes of a group, of the last group and of a row, padded
  int64_t scales, panel;      // bytes of a group's scales and of a panel
};

MLQ_INLINE Groups GroupsOf(const mlq_grouped& g) {
  Groups r;
  r.size = Min(g.group_size, g.inputs);
  r.count = CeilDivide(g.inputs, r.size);
  r.container = g.bits <= 2 ? 2 : g.bits <= 4 ? 4 : 8;
  r.half = g.scale_bits == 16;
  r.stride = CeilDivide(r.size, kAlign) * kAlign;
  r.last = CeilDivide(g.inputs - (r.count - 1) * r.size, kAlign) * kAlign;
  r.row = (r.count - 1) * r.stride + r.last;
  r.scales = kWidth * (r.half ? 2 : 4);
  r.panel = r.row * kWidth * r.container / 8 + r.count * r.scales;
  return r;
}

MLQ_INLINE int Panels(const mlq_grouped& g) { return CeilDivide(g.outputs, kWidth); }

MLQ_INLINE int TilePanels(const mlq_grouped& g) { return g.rows <= Group::kFewRows ? kFew : kMany; }

MLQ_INLINE int Stripes(const mlq_grouped& g) {
  const int64_t most = Clip<int64_t>(kStripeBytes / GroupsOf(g).row / Group::kRows, 1, kStripeBlocks) * Group::kRows;
  return (int)CeilDivide<int64_t>(g.rows, most);
}

// The bits of a float that is a finite half.
MLQ_INLINE uint16_t HalfBits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  constexpr uint32_t kSmallestNormal = (127 - 14) << 23, kBias = (127 - 15) << 23;
  return (uint16_t)(sign | (magnitude >= kSmallestNormal ? (magnitude - kBias) >> 13 : (uint32_t)((x < 0 ? -x : x) * 16777216.0f)));
}

void PackGroup(const mlq_grouped& g, const Groups& s, const int8_t* weights, const float* scales, int panel, int group, uint8_t* to) {
  const int first = panel * kWidth, steps = 8 / s.container, offset = Group::Offset(s.container);
  for (int i = 0; i < kWidth; i++) {
    const float scale = first + i < g.outputs ? scales[(int64_t)(first + i) * s.count + group] : 0;
    const uint16_t half = HalfBits(s.half ? scale : 0);
    s.half ? memcpy(to + i * 2, &half, 2) : memcpy(to + i * 4, &scale, 4);
  }
  to += s.scales;
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
    uint8_t* to = packed + panel * s.panel;
    for (int group = 0; group < s.count; group++) {
      PackGroup(g, s, weights, scales, panel, group, to);
      to += s.scales + s.stride * kWidth * s.container / 8;
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

MLQ_INLINE typename Simd::I LoadBytes(const uint8_t* packed) { return Simd::LoadInt((const int32_t*)(const void*)packed); }

// One group's products of R rows with V panels, the sums of which start in `dot`; codes and panel move behind them.
// Few rows wait for loads and have registers to spare: there the compiler is kept from loading anew for each part.
template <int R, int V, int C>
MLQ_INLINE void AddProducts(typename Simd::I (&dot)[R][V], const int8_t*& codes, const int8_t* end, int64_t row, const uint8_t*& panel, const int64_t (&next)[V]) {
  do {
    typename Simd::I bytes[V];
    if constexpr (V == kFew) {
      MLQ_UNROLL for (int v = 0; v < V; v++) {
        bytes[v] = LoadBytes(panel + next[v]);
        __asm__("" : "+" MLQ_REGISTER (bytes[v]));
      }
    }
    MLQ_UNROLL for (int f = 0; f < 8 / C; f++) {
      typename Simd::I w[V];
      MLQ_UNROLL for (int v = 0; v < V; v++) { w[v] = Group::Unpack<C>(V == kFew ? bytes[v] : LoadBytes(panel + next[v]), f); }
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        int32_t word;
        memcpy(&word, codes + r * row + 4 * f, 4);
        const typename Simd::I x = Simd::BroadcastInt(word);
        MLQ_UNROLL for (int v = 0; v < V; v++) { Group::Multiply<C>(dot[r][v], w[v], x); }
      }
    }
    codes += 32 / C;
    panel += kVectorBytes;
  } while (codes < end);
}

// R rows times V panels. C: bits of the container.
template <int R, int V, int C, bool Half>
MLQ_NOINLINE void GroupedMicro(const Groups& s, const int8_t* codes, const int32_t* sums, const uint8_t* panel, int panels, const Tail& tail) {
  int64_t next[V];
  MLQ_UNROLL for (int v = 0; v < V; v++) { next[v] = Min(v, panels - 1) * s.panel; }  // what is missing repeats the last one
  typename Simd::F acc[R][V];
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < V; v++) { acc[r][v] = Simd::Zero(); }
  }
  for (int group = 0; group < s.count; group++) {
    const uint8_t* scales = panel;
    panel += s.scales;
    typename Simd::I dot[R][V];
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::I start = Group::Start<C>(Simd::BroadcastInt(sums[(int64_t)r * s.count + group]));
      MLQ_UNROLL for (int v = 0; v < V; v++) { dot[r][v] = start; }
    }
    const int8_t* end = codes + (group + 1 < s.count ? s.stride : s.last);
    if constexpr (Group::Chunk(C) == 0) {
      AddProducts<R, V, C>(dot, codes, end, s.row, panel, next);
    } else {
      do {
        typename Simd::I part[R][V];
        MLQ_UNROLL for (int i = 0; i < R * V; i++) { part[i / V][i % V] = Simd::ZeroInt(); }
        AddProducts<R, V, C>(part, codes, Min(end, codes + Group::Chunk(C)), s.row, panel, next);
        MLQ_UNROLL for (int i = 0; i < R * V; i++) { dot[i / V][i % V] = Group::Widen(dot[i / V][i % V], part[i / V][i % V]); }
      } while (codes < end);
    }
    MLQ_UNROLL for (int v = 0; v < V; v++) {
      const typename Simd::F scale = Half ? Group::Halves(scales + next[v]) : Simd::Load((const float*)(const void*)(scales + next[v]));
      MLQ_UNROLL for (int r = 0; r < R; r++) { acc[r][v] = Simd::Fma(Simd::ToFloat(dot[r][v]), scale, acc[r][v]); }
    }
  }
  const typename Simd::F low = Simd::Broadcast(tail.low), high = Simd::Broadcast(tail.high);
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    const typename Simd::F scale = Simd::Broadcast(tail.row_scales[r]);
    MLQ_UNROLL for (int v = 0; v < V; v++) {
      const typename Simd::F y = Simd::Add(Simd::Mul(acc[r][v], scale), Simd::Load(tail.bias + v * kWidth));
      Simd::Store(tail.destination + r * tail.stride + v * kWidth, Simd::Clamp(y, low, high));
    }
  }
}

using GroupedFunction = void (*)(const Groups&, const int8_t*, const int32_t*, const uint8_t*, int, const Tail&);

template <int R, bool Half>
MLQ_INLINE GroupedFunction ForContainer(int container) {
  constexpr int V = R <= Group::kFewRows ? kFew : kMany;
  return container == 2 ? &GroupedMicro<R, V, 2, Half> : container == 4 ? &GroupedMicro<R, V, 4, Half> : &GroupedMicro<R, V, 8, Half>;
}

// For blocks of at most R rows.
template <int R>
GroupedFunction FindGrouped(int rows, const Groups& s) {
  if constexpr (R == 0) {
    return nullptr;
  } else {
    return rows != R ? FindGrouped<R - 1>(rows, s) : s.half ? ForContainer<R, true>(s.container) : ForContainer<R, false>(s.container);
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

// The last tile's outputs may be fewer than its lanes: bias and results go through a buffer.
MLQ_NOINLINE void RunPart(const GroupedCall& c, int row, int rows, int panel) {
  constexpr int kMost = kWidth * (kFew * Group::kFewRows + kMany * Group::kRows);
  const int lanes = kWidth * TilePanels(c.g), first = panel * kWidth, width = Min(lanes, c.g.outputs - first);
  const GroupedFunction micro = FindGrouped<Group::kRows>(rows, c.s);
  const int8_t* codes = c.codes + row * c.s.row;
  const int32_t* sums = c.sums + (int64_t)row * c.s.count;
  const uint8_t* weights = c.packed + panel * c.s.panel;
  float* y = c.destination + (int64_t)row * c.g.outputs + first;
  if (width == lanes) {
    micro(c.s, codes, sums, weights, kFew, Tail{c.row_scales + row, c.bias + first, c.low, c.high, y, c.g.outputs});
    return;
  }
  float bias[kWidth * kFew] = {}, out[kMost];
  memcpy(bias, c.bias + first, sizeof(float) * (size_t)width);
  micro(c.s, codes, sums, weights, CeilDivide(width, kWidth), Tail{c.row_scales + row, bias, c.low, c.high, out, lanes});
  for (int r = 0; r < rows; r++) {
    memcpy(y + (int64_t)r * c.g.outputs, out + r * lanes, sizeof(float) * (size_t)width);
  }
}

MLQ_INLINE int Tiles(const mlq_grouped& g) { return CeilDivide(Panels(g), TilePanels(g)) * Stripes(g); }

void RunGrouped(const GroupedCall& c, int begin, int end) {
  const int across = CeilDivide(Panels(c.g), TilePanels(c.g)), stripes = Stripes(c.g);
  for (int tile = begin; tile < end; tile++) {
    const int first = Share(c.g.rows, tile / across, stripes), rows = Share(c.g.rows, tile / across + 1, stripes) - first;
    const int blocks = CeilDivide(rows, Group::kRows);
    for (int block = 0; block < blocks; block++) {
      const int row = Share(rows, block, blocks);
      RunPart(c, first + row, Share(rows, block + 1, blocks) - row, tile % across * TilePanels(c.g));
    }
  }
}

}  // namespace

#define MLQ_DEFINE_GROUPED_DENSE(isa)                                                                                       \
  extern "C" int64_t mlq_##isa##_grouped_dense_packed_size(const mlq_grouped* geometry) {                                   \
    return Panels(*geometry) * GroupsOf(*geometry).panel;                                                                   \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_grouped_dense_pack(const mlq_grouped* geometry, const int8_t* weights, const float* scales,   \
                                                 void* packed) {                                                            \
    PackGroups(*geometry, weights, scales, (uint8_t*)packed);                                                               \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_grouped_dense_tiles(const mlq_grouped* geometry) {                                         \
    return Tiles(*geometry);                                                                                                \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_grouped_dense(const mlq_grouped* geometry, const int8_t* codes, const int32_t* sums,          \
                                            const float* row_scales, const void* packed, const float* bias, float low,      \
                                            float high, float* destination, int32_t tile_begin, int32_t tile_end) {         \
    RunGrouped(GroupedCall{*geometry, GroupsOf(*geometry), codes, sums, row_scales, (const uint8_t*)packed, bias, low,      \
                           high, destination},                                                                              \
               tile_begin, tile_end);                                                                                       \
  }

#endif
