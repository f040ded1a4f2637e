// The same packed weights times rows of floats: weights are decoded, a depth of some groups at a time, and used by all rows of a tile. An output is
// one chain fma(x[k], fl(scale * weight), acc), k ascending from +0; then the bias and the clamp.
#ifndef MLQ_GROUPED_DENSE_FLOATS_H
#define MLQ_GROUPED_DENSE_FLOATS_H

#include "kernels/grouped_dense/generic.h"

namespace {

constexpr int kFloatPanels = 2 * Group::kFloatPairs;
constexpr int kFloatLanes = kFloatPanels * kWidth;
constexpr int kFloatStripe = 48;  // rows of a tile
constexpr int kDepth = 128;       // inputs decoded at a time: a multiple of kAlign

MLQ_INLINE int FloatStripes(const mlq_grouped& g) { return CeilDivide(g.rows, kFloatStripe); }

MLQ_INLINE int FloatTiles(const mlq_grouped& g) { return CeilDivide(Pairs(g), Group::kFloatPairs) * FloatStripes(g); }

// Weight k of a panel's lanes in a block's vectors.
template <int C>
MLQ_INLINE typename Simd::F Decoded(const typename Simd::I (&block)[Vectors(C)], int k, int panel) {
  return Group::Decode<C>(block[C == 8 ? panel : 0], k % 4 * 8 + (C == 8 ? 0 : (2 * (k / 4) + panel) * C));
}

// `size` weights of one group of a pair, from a block's beginning, into every kFloatLanes-th vector.
template <int C>
MLQ_INLINE void DecodePiece(const uint8_t* blocks, const typename Simd::F (&scales)[2], int size, float* to) {
  constexpr int kVectors = Vectors(C), kInputs = 4 * Steps(C);
  for (int k = 0; k < size; k += kInputs, blocks += kVectorBytes * kVectors) {
    typename Simd::I block[kVectors];
    MLQ_UNROLL for (int i = 0; i < kVectors; i++) { block[i] = LoadBytes(blocks + i * kVectorBytes); }
    const int count = Min(kInputs, size - k);
    MLQ_UNROLL for (int j = 0; j < kInputs; j++, to += kFloatLanes) {
      if (j < count) {
        Simd::Store(to, Simd::Mul(scales[0], Decoded<C>(block, j, 0)));
        Simd::Store(to + kWidth, Simd::Mul(scales[1], Decoded<C>(block, j, 1)));
      }
    }
  }
}

struct Depth {
  int group, offset, begin, size;  // first group, inputs of it that are done, first input and number of inputs
};

// The next inputs: whole groups, or a part of one that is too long.
MLQ_INLINE Depth NextDepth(const Groups& s, int inputs, const Depth& last) {
  Depth d = {last.group, last.offset, last.begin + last.size, 0};
  const int room = s.size > kDepth ? Min(kDepth, s.size - d.offset) : kDepth / s.size * s.size;
  d.size = Min(room, inputs - d.begin);
  return d;
}

template <int C>
MLQ_NOINLINE void DecodeDepth(const Groups& s, const uint8_t* pairs, int count, const Depth& d, float* to) {
  for (int p = 0; p < count; p++) {
    int group = d.group, offset = d.offset;
    for (int k = 0; k < d.size;) {
      const uint8_t* at = pairs + p * s.pair + group * (s.scales + s.stride * kPair * C / 8);
      const typename Simd::F scales[2] = {s.half ? Scales<true>(at, 0) : Scales<false>(at, 0), s.half ? Scales<true>(at, 1) : Scales<false>(at, 1)};
      const int size = Min(s.size - offset, d.size - k);
      DecodePiece<C>(at + s.scales + (int64_t)offset * kPair * C / 8, scales, size, to + k * kFloatLanes + p * kPair);
      k += size;
      group++;
      offset = 0;
    }
  }
}

template <int R>
MLQ_INLINE void FloatRows(const float* x, int64_t stride, int size, const float* weights, float* sums) {
  constexpr int V = kFloatPanels;
  typename Simd::F acc[R][V];
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < V; v++) { acc[r][v] = Simd::Load(sums + r * kFloatLanes + v * kWidth); }
  }
  for (int k = 0; k < size; k++, weights += kFloatLanes) {
    typename Simd::F w[V];
    MLQ_UNROLL for (int v = 0; v < V; v++) { w[v] = Simd::Load(weights + v * kWidth); }
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::F value = Simd::Broadcast(x[r * stride + k]);
      MLQ_UNROLL for (int v = 0; v < V; v++) { acc[r][v] = Simd::Fma(value, w[v], acc[r][v]); }
    }
  }
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < V; v++) { Simd::Store(sums + r * kFloatLanes + v * kWidth, acc[r][v]); }
  }
}

template <int R>
MLQ_NOINLINE void FloatBlock(int rows, const float* x, int64_t stride, int size, const float* weights, float* sums) {
  if constexpr (R > 1) {
    if (rows < R) {
      FloatBlock<R - 1>(rows, x, stride, size, weights, sums);
      return;
    }
  }
  FloatRows<R>(x, stride, size, weights, sums);
}

struct FloatCall {
  const mlq_grouped& g;
  Groups s;
  const float* source;
  const uint8_t* packed;
  const float* bias;
  float low, high;
  float* destination;
};

MLQ_NOINLINE void FinishFloats(const FloatCall& c, int row, int rows, int first, float* sums) {
  const int width = Min(kFloatLanes, c.g.outputs - first);
  float bias[kFloatLanes] = {};
  memcpy(bias, c.bias + first, sizeof(float) * (size_t)width);
  const typename Simd::F low = Simd::Broadcast(c.low), high = Simd::Broadcast(c.high);
  for (int r = 0; r < rows; r++) {
    float* y = sums + r * kFloatLanes;
    for (int i = 0; i < kFloatLanes; i += kWidth) {
      Simd::Store(y + i, Simd::Clamp(Simd::Add(Simd::Load(y + i), Simd::Load(bias + i)), low, high));
    }
    memcpy(c.destination + (int64_t)(row + r) * c.g.outputs + first, y, sizeof(float) * (size_t)width);
  }
}

MLQ_NOINLINE void FloatTile(const FloatCall& c, int row, int rows, int pair) {
  alignas(64) float weights[kDepth * kFloatLanes];
  alignas(64) float sums[kFloatStripe * kFloatLanes];
  const int count = Min(Group::kFloatPairs, Pairs(c.g) - pair);
  if (count < Group::kFloatPairs) {
    memset(weights, 0, sizeof weights);  // lanes behind the last pair
  }
  memset(sums, 0, sizeof(float) * (size_t)(rows * kFloatLanes));
  const uint8_t* pairs = c.packed + pair * c.s.pair;
  Depth d = {0, 0, 0, 0};
  for (d = NextDepth(c.s, c.g.inputs, d); d.size > 0; d = NextDepth(c.s, c.g.inputs, d)) {
    c.s.container == 2   ? DecodeDepth<2>(c.s, pairs, count, d, weights)
    : c.s.container == 4 ? DecodeDepth<4>(c.s, pairs, count, d, weights)
                         : DecodeDepth<8>(c.s, pairs, count, d, weights);
    for (int r = 0; r < rows; r += Group::kFloatRows) {
      const float* x = c.source + (int64_t)(row + r) * c.g.inputs + d.begin;
      FloatBlock<Group::kFloatRows>(Min(rows - r, Group::kFloatRows), x, c.g.inputs, d.size, weights, sums + r * kFloatLanes);
    }
    d.offset += c.s.size > kDepth ? d.size : 0;
    const bool next = c.s.size <= kDepth || d.offset == c.s.size;
    d.group += !next ? 0 : c.s.size > kDepth ? 1 : CeilDivide(d.size, c.s.size);
    d.offset = next ? 0 : d.offset;
  }
  FinishFloats(c, row, rows, pair * kPair, sums);
}

void RunFloats(const FloatCall& c, int begin, int end) {
  const int across = CeilDivide(Pairs(c.g), Group::kFloatPairs), stripes = FloatStripes(c.g);
  for (int tile = begin; tile < end; tile++) {
    const int first = Share(c.g.rows, tile / across, stripes), last = Share(c.g.rows, tile / across + 1, stripes);
    FloatTile(c, first, last - first, tile % across * Group::kFloatPairs);
  }
}

}  // namespace

#define MLQ_DEFINE_GROUPED_DENSE_FLOATS(isa)                                                                              \
  extern "C" int32_t mlq_##isa##_grouped_dense_float_tiles(const mlq_grouped* geometry) { return FloatTiles(*geometry); } \
  extern "C" void mlq_##isa##_grouped_dense_float(const mlq_grouped* geometry, const float* source, const void* packed,   \
                                                  const float* bias, float low, float high, float* destination,           \
                                                  int32_t tile_begin, int32_t tile_end) {                                 \
    RunFloats(FloatCall{*geometry, GroupsOf(*geometry), source, (const uint8_t*)packed, bias, low, high, destination},    \
              tile_begin, tile_end);                                                                                      \
  }

#endif
