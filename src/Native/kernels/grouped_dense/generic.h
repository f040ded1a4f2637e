// Dense layer with narrow weights in groups: a lane is an output, an instruction multiplies four weights of it with four
// codes of the row. The integer sum starts at -offset * (sum of the row's codes). How weights lie in memory is layout.h.
// One row is bound by memory: two pairs are read side by side. More rows are bound by the products: one pair, unpacked as it is read,
// times as many rows as registers hold, an integer and a float sum for each.
#ifndef MLQ_GROUPED_DENSE_H
#define MLQ_GROUPED_DENSE_H

#include "kernels/grouped_dense/layout.h"

namespace {

struct Tail {
  const float* row_scales;
  const float* bias;
  float low, high;
  float* destination;
  int64_t stride;
};

MLQ_INLINE typename Simd::I LoadBytes(const uint8_t* packed) { return Simd::LoadInt((const int32_t*)(const void*)packed); }

// Four codes in each lane.
MLQ_INLINE typename Simd::I LoadWord(const int8_t* codes) {
  int32_t word;
  memcpy(&word, codes, 4);
  return Simd::BroadcastInt(word);
}

// The weights of a pair's panel v for step f of a block.
template <int C>
MLQ_INLINE typename Simd::I Weights(const typename Simd::I (&block)[Vectors(C)], int f, int v) {
  return Group::Unpack<C>(block[C == 8 ? v : 0], C == 8 ? 0 : 2 * f + v);
}

// Products of R rows with a block of P pairs. Few rows wait for loads and have registers to spare: there the compiler is kept from loading anew for each part.
template <int R, int P, int C>
MLQ_INLINE void AddBlock(typename Simd::I (&dot)[R][2 * P], const int8_t* codes, int64_t row, const uint8_t* pairs, const int64_t (&next)[P]) {
  constexpr int kVectors = Vectors(C), kSteps = Steps(C);
  typename Simd::I block[P][kVectors];
  MLQ_UNROLL for (int i = 0; i < P * kVectors; i++) {
    block[i / kVectors][i % kVectors] = LoadBytes(pairs + next[i / kVectors] + i % kVectors * kVectorBytes);
    if constexpr (P == kFew) {
      __asm__("" : "+" MLQ_REGISTER (block[i / kVectors][i % kVectors]));
    }
  }
  MLQ_UNROLL for (int f = 0; f < kSteps; f++) {
    typename Simd::I w[2 * P];
    MLQ_UNROLL for (int v = 0; v < 2 * P; v++) { w[v] = Weights<C>(block[v / 2], f, v % 2); }
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::I x = LoadWord(codes + r * row + 4 * f);
      MLQ_UNROLL for (int v = 0; v < 2 * P; v++) { Group::Multiply<C>(dot[r][v], w[v], x); }
    }
  }
}

// One group's products of R rows with P pairs, the sums of which start in `dot`; codes and pairs move behind them.
template <int R, int P, int C>
MLQ_INLINE void AddProducts(typename Simd::I (&dot)[R][2 * P], const int8_t*& codes, const int8_t* end, int64_t row, const uint8_t*& pairs, const int64_t (&next)[P]) {
  constexpr int kBlocks = C == 4 && P == kMany ? 2 : 1, kCodes = 4 * Steps(C), kBytes = kVectorBytes * Vectors(C);
  do {
    MLQ_UNROLL for (int b = 0; b < kBlocks; b++) { AddBlock<R, P, C>(dot, codes + b * kCodes, row, pairs + b * kBytes, next); }
    codes += kBlocks * kCodes;
    pairs += kBlocks * kBytes;
  } while (codes < end);
}

// The same for one row and containers of 4 bits, of at most kHalvesChunk codes. Unpacking takes as long as reading there, so bytes are multiplied as they
// are and with their lower halves cleared: the second sum is 16 times that of the second panel, the difference that of the first (modulo 2^32, where it
// fits). G is Group where it has such halves.
template <typename G, int P>
MLQ_INLINE void AddHalves(typename Simd::I (&dot)[2 * P], const int8_t*& codes, const int8_t* end, const uint8_t*& pairs, const int64_t (&next)[P]) {
  typename Simd::I upper[P];
  MLQ_UNROLL for (int p = 0; p < P; p++) { upper[p] = Simd::ZeroInt(); }
  do {
    const typename Simd::I x = LoadWord(codes);
    MLQ_UNROLL for (int p = 0; p < P; p++) {
      typename Simd::I bytes = LoadBytes(pairs + next[p]);
      __asm__("" : "+" MLQ_REGISTER (bytes));
      G::template Multiply<4>(dot[2 * p], bytes, x);
      G::template Multiply<4>(upper[p], G::Upper(bytes), x);
    }
    codes += 4;
    pairs += kVectorBytes;
  } while (codes < end);
  MLQ_UNROLL for (int p = 0; p < P; p++) {
    dot[2 * p] = Simd::SubInt(dot[2 * p], upper[p]);
    dot[2 * p + 1] = Simd::AddInt(dot[2 * p + 1], G::Sixteenth(upper[p]));
  }
}

// One group's products in sums that hold them all, or a chunk of them.
template <int R, int P, int C>
MLQ_INLINE void AddGroup(typename Simd::I (&dot)[R][2 * P], const int8_t*& codes, const int8_t* end, int64_t row, const uint8_t*& pairs, const int64_t (&next)[P]) {
  if constexpr (Group::kHasHalves && R == 1 && C == 4) {
    do {
      AddHalves<Group, P>(dot[0], codes, Min(end, codes + kHalvesChunk), pairs, next);
    } while (codes < end);
  } else if constexpr (Group::Chunk(C) == 0) {
    AddProducts<R, P, C>(dot, codes, end, row, pairs, next);
  } else {
    do {
      typename Simd::I part[R][2 * P];
      MLQ_UNROLL for (int i = 0; i < R * 2 * P; i++) { part[i / (2 * P)][i % (2 * P)] = Simd::ZeroInt(); }
      AddProducts<R, P, C>(part, codes, Min(end, codes + Group::Chunk(C)), row, pairs, next);
      MLQ_UNROLL for (int i = 0; i < R * 2 * P; i++) {
        dot[i / (2 * P)][i % (2 * P)] = Group::Widen(dot[i / (2 * P)][i % (2 * P)], part[i / (2 * P)][i % (2 * P)]);
      }
    } while (codes < end);
  }
}

// Scales of a panel.
template <bool Half>
MLQ_INLINE typename Simd::F Scales(const uint8_t* scales, int panel) {
  return Half ? Group::Halves(scales + panel * kWidth * 2) : Simd::Load((const float*)(const void*)scales + panel * kWidth);
}

// R rows times P pairs. C: bits of the container.
template <int R, int P, int C, bool Half>
MLQ_NOINLINE void GroupedMicro(const Groups& s, const int8_t* codes, const int32_t* sums, const uint8_t* packed, int pairs, const Tail& tail) {
  constexpr int V = 2 * P;
  int64_t next[P];
  MLQ_UNROLL for (int p = 0; p < P; p++) { next[p] = Min(p, pairs - 1) * s.pair; }  // what is missing repeats the last one
  typename Simd::F acc[R][V];
  MLQ_UNROLL for (int i = 0; i < R * V; i++) { acc[i / V][i % V] = Simd::Zero(); }
  for (int group = 0; group < s.count; group++) {
    const uint8_t* scales = packed;
    packed += s.scales;
    typename Simd::I dot[R][V];
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::I start = Group::Start<C>(Simd::BroadcastInt(sums[(int64_t)r * s.count + group]));
      MLQ_UNROLL for (int v = 0; v < V; v++) { dot[r][v] = start; }
    }
    AddGroup<R, P, C>(dot, codes, codes + (group + 1 < s.count ? s.stride : s.last), s.row, packed, next);
    MLQ_UNROLL for (int v = 0; v < V; v++) {
      const typename Simd::F scale = Scales<Half>(scales + next[v / 2], v % 2);
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
  constexpr int P = R <= Group::kFewRows ? kFew : kMany;
  return container == 2 ? &GroupedMicro<R, P, 2, Half> : container == 4 ? &GroupedMicro<R, P, 4, Half> : &GroupedMicro<R, P, 8, Half>;
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
MLQ_NOINLINE void RunPart(const GroupedCall& c, int row, int rows, int pair) {
  constexpr int kMost = kPair * (kFew * Group::kFewRows + kMany * Group::kRows);
  const int lanes = kPair * TilePairs(c.g), first = pair * kPair, width = Min(lanes, c.g.outputs - first);
  const GroupedFunction micro = FindGrouped<Group::kRows>(rows, c.s);
  const int8_t* codes = c.codes + row * c.s.row;
  const int32_t* sums = c.sums + (int64_t)row * c.s.count;
  const uint8_t* weights = c.packed + pair * c.s.pair;
  float* y = c.destination + (int64_t)row * c.g.outputs + first;
  if (width == lanes) {
    micro(c.s, codes, sums, weights, kFew, Tail{c.row_scales + row, c.bias + first, c.low, c.high, y, c.g.outputs});
    return;
  }
  float bias[kPair * kFew] = {}, out[kMost];
  memcpy(bias, c.bias + first, sizeof(float) * (size_t)width);
  micro(c.s, codes, sums, weights, CeilDivide(width, kPair), Tail{c.row_scales + row, bias, c.low, c.high, out, lanes});
  for (int r = 0; r < rows; r++) {
    memcpy(y + (int64_t)r * c.g.outputs, out + r * lanes, sizeof(float) * (size_t)width);
  }
}

MLQ_INLINE int Tiles(const mlq_grouped& g) { return CeilDivide(Pairs(g), TilePairs(g)) * Stripes(g); }

void RunGrouped(const GroupedCall& c, int begin, int end) {
  const int across = CeilDivide(Pairs(c.g), TilePairs(c.g)), stripes = Stripes(c.g);
  for (int tile = begin; tile < end; tile++) {
    const int first = Share(c.g.rows, tile / across, stripes), rows = Share(c.g.rows, tile / across + 1, stripes) - first;
    const int blocks = CeilDivide(rows, Group::kRows);
    for (int block = 0; block < blocks; block++) {
      const int row = Share(rows, block, blocks);
      RunPart(c, first + row, Share(rows, block + 1, blocks) - row, tile % across * TilePairs(c.g));
    }
  }
}

}  // namespace

#define MLQ_DEFINE_GROUPED_DENSE(isa)                                                                                       \
  extern "C" int64_t mlq_##isa##_grouped_dense_packed_size(const mlq_grouped* geometry) {                                   \
    return Pairs(*geometry) * GroupsOf(*geometry).pair;                                                                     \
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
