// Weights stay packed in memory: containers of 2 bits (2-bit weights), 4 bits (3 and 4) or 8 (5 to 8).
// A panel is a vector of outputs; two lie together. Packed: [pair][group]{ scales [2][kWidth], float or half, [blocks] }. A block is a vector of bytes for
// each panel with 8 bits, otherwise one whose bytes hold, from their low bits up, the weight + offset of the first and of the second panel, with 2 bits
// of two successive steps.
#ifndef MLQ_GROUPED_DENSE_LAYOUT_H
#define MLQ_GROUPED_DENSE_LAYOUT_H

#include "kernels/common.h"

namespace {

constexpr int kWidth = Simd::kLanes;
constexpr int kVectorBytes = kWidth * 4;
constexpr int kAlign = 16;                 // codes of a group: a multiple of the largest block
constexpr int64_t kStripeBytes = 256 << 10;  // row codes of one tile, which stay in the second-level cache
constexpr int64_t kStripeBlocks = 24;      // a tile stays small enough to share work out
constexpr int kMany = 1, kFew = 2;         // pairs of a tile; blocks of rows, shared out evenly, never fall to kFewRows
constexpr int kPair = 2 * kWidth;          // outputs
constexpr int64_t kHalvesChunk = 1 << 16;  // codes whose products with weights of 240 fit 32 bits
static_assert((Group::kRows + 1) / 2 > Group::kFewRows, "an even share of more rows than fit must not be few");

struct Groups {
  int count, container, size;
  bool half;
  int64_t stride, last, row;  // codes of a group, of the last group and of a row, padded
  int64_t scales, pair;       // bytes of a group's scales and of a pair
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
  r.scales = kPair * (r.half ? 2 : 4);
  r.pair = r.row * kPair * r.container / 8 + r.count * r.scales;
  return r;
}

MLQ_INLINE int Pairs(const mlq_grouped& g) { return CeilDivide(g.outputs, kPair); }

// Vectors of a block, and steps of four inputs that it holds.
MLQ_INLINE constexpr int Vectors(int container) { return container == 8 ? 2 : 1; }

MLQ_INLINE constexpr int Steps(int container) { return container == 2 ? 2 : 1; }

MLQ_INLINE int TilePairs(const mlq_grouped& g) { return g.rows <= Group::kFewRows ? kFew : kMany; }

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

// One byte: i-th of vector `vector` of the block that begins at input k of the group's `size`.
MLQ_INLINE uint8_t PackedByte(const mlq_grouped& g, int container, const int8_t* group, int first, int size, int k, int vector, int i) {
  unsigned byte = 0;
  for (int f = 0; f < 8 / container; f++) {
    const int part = f + vector, o = first + part % 2 * kWidth + i / 4, at = k + part / 2 * 4 + i % 4;
    const int weight = o < g.outputs && at < size ? group[(int64_t)o * g.inputs + at] : 0;
    byte |= ((unsigned)(weight + Group::Offset(container)) & (0xffu >> (8 - container))) << (f * container);
  }
  return (uint8_t)byte;
}

void PackGroup(const mlq_grouped& g, const Groups& s, const int8_t* weights, const float* scales, int pair, int group, uint8_t* to) {
  const int first = pair * kPair;
  for (int i = 0; i < kPair; i++) {
    const float scale = first + i < g.outputs ? scales[(int64_t)(first + i) * s.count + group] : 0;
    const uint16_t half = HalfBits(s.half ? scale : 0);
    s.half ? memcpy(to + i * 2, &half, 2) : memcpy(to + i * 4, &scale, 4);
  }
  to += s.scales;
  const int begin = group * s.size, size = Min(s.size, g.inputs - begin);
  const int padded = (int)(group + 1 < s.count ? s.stride : s.last);
  for (int k = 0; k < padded; k += 4 * Steps(s.container)) {
    for (int vector = 0; vector < Vectors(s.container); vector++) {
      for (int i = 0; i < kVectorBytes; i++) {
        *to++ = PackedByte(g, s.container, weights + begin, first, size, k, vector, i);
      }
    }
  }
}

void PackGroups(const mlq_grouped& g, const int8_t* weights, const float* scales, uint8_t* packed) {
  const Groups s = GroupsOf(g);
  for (int pair = 0; pair < Pairs(g); pair++) {
    uint8_t* to = packed + pair * s.pair;
    for (int group = 0; group < s.count; group++) {
      PackGroup(g, s, weights, scales, pair, group, to);
      to += s.scales + s.stride * kPair * s.container / 8;
    }
  }
}

}  // namespace

#endif
