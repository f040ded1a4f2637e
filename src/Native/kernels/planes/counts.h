// The bits that pairs of planes have in common, or not, counted. Pairs are taken from the top down: sums are doubled where the next pair counts half,
// so there is one sum for each output.
#ifndef MLQ_PLANE_COUNTS_H
#define MLQ_PLANE_COUNTS_H

#include "kernels/epilogue.h"
#include "kernels/planes/thresholds.h"

namespace {

constexpr int kPart = Simd::kLanes * Bits::kVectors;  // outputs at once
static_assert(kPanel % kPart == 0, "a panel is whole parts");

// What a pair of planes does to the sums.
enum Fold {
  kResume = 1,        // sums of earlier pairs are there
  kNegateFirst = 2,   // ... negated
  kDoubleFirst = 4,   // ... then doubled
  kDoubleAfter = 8,   // when all is counted
  kNegateAfter = 16,  // before that
};

// One pair of planes.
struct Pair {
  int64_t source;   // words
  int64_t weights;  // bytes
  int fold;
};

struct Pairs {
  Pair of[4];
  int count;

  explicit Pairs(const mlq_plane_tile& t) : count(0) {
    int last = 0;
    for (int w = t.weight_planes - 1; w >= 0; w--) {
      for (int s = t.source_bits - 1; s >= 0; s--) {
        int fold = count > 0 ? kResume : 0;
        fold |= count > 0 && s + w < last ? kDoubleFirst : 0;
        fold |= t.top_is_negative && w == t.weight_planes - 2 && s == t.source_bits - 1 ? kNegateFirst : 0;
        of[count++] = {(int64_t)s * t.source_words, w * t.plane_bytes, fold};
        last = s + w;
      }
    }
    of[count - 1].fold |= t.doubles ? kDoubleAfter : 0;
    of[count - 1].fold |= t.top_is_negative && t.weight_planes == 1 ? kNegateAfter : 0;
  }
};

MLQ_INLINE Simd::I FoldSums(const int32_t* sums, Simd::I counted, int fold) {
  if (fold & kResume) {
    Simd::I sum = Simd::LoadInt(sums);
    sum = fold & kNegateFirst ? Simd::SubInt(Simd::ZeroInt(), sum) : sum;
    sum = fold & kDoubleFirst ? Simd::AddInt(sum, sum) : sum;
    counted = Simd::AddInt(sum, counted);
  }
  counted = fold & kNegateAfter ? Simd::SubInt(Simd::ZeroInt(), counted) : counted;
  return fold & kDoubleAfter ? Simd::AddInt(counted, counted) : counted;
}

template <int Operation>
MLQ_INLINE Simd::I Meet(Simd::I a, Simd::I w, const int32_t* weights) {
  if constexpr (Operation == MLQ_PLANE_XOR) {
    return Bits::Xor(a, w);
  } else if constexpr (Operation == MLQ_PLANE_AND) {
    return Bits::And(a, w);
  } else {
    return Bits::Masked(a, Simd::LoadInt(weights + kPanel), w);
  }
}

// R pixels times one part of a panel over some steps, no more than Bits::kLongest.
template <int R, int Operation>
MLQ_INLINE void CountSteps(const uint32_t* const (&x)[R], const mlq_plane_step* step, const mlq_plane_step* end, const uint8_t* weights,
                           Simd::I (&counts)[R][Bits::kVectors]) {
  constexpr int V = Bits::kVectors;
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < V; v++) { counts[r][v] = Simd::ZeroInt(); }
  }
  for (; step < end; step++) {
    const int64_t at = step->source;
    const int32_t* words = (const int32_t*)(const void*)(weights + step->weights);
    typename Simd::I w[V];
    MLQ_UNROLL for (int v = 0; v < V; v++) { w[v] = Simd::LoadInt(words + v * Simd::kLanes); }
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      const typename Simd::I a = Simd::BroadcastInt((int32_t)x[r][at]);
      MLQ_UNROLL for (int v = 0; v < V; v++) {
        counts[r][v] = Bits::Add(counts[r][v], Meet<Operation>(a, w[v], words + v * Simd::kLanes));
      }
    }
  }
}

// One pair of planes of R pixels. sums are [R][kPanel].
template <int R, int Operation>
MLQ_NOINLINE void CountPair(const mlq_plane_tile& t, const int64_t* sources, const Pair& pair, const uint8_t* weights, int32_t* sums) {
  const uint32_t* x[R];
  MLQ_UNROLL for (int r = 0; r < R; r++) { x[r] = t.source + sources[r] + pair.source; }
  const mlq_plane_step* const end = t.steps + t.step_count;
  for (int part = 0; part < kPanel; part += kPart) {
    const uint8_t* w = weights + pair.weights + part * sizeof(uint32_t);
    const mlq_plane_step* step = t.steps;
    int fold = pair.fold;
    do {
      const mlq_plane_step* const stop = end - step > Bits::kLongest ? step + Bits::kLongest : end;
      Simd::I counts[R][Bits::kVectors];
      CountSteps<R, Operation>(x, step, stop, w, counts);
      const int now = stop == end ? fold : fold & ~(kDoubleAfter | kNegateAfter);
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        MLQ_UNROLL for (int v = 0; v < Bits::kVectors; v++) {
          int32_t* sum = sums + r * kPanel + part + v * Simd::kLanes;
          Simd::StoreInt(sum, FoldSums(sum, Bits::Total(counts[r][v]), now));
        }
      }
      fold = (fold & ~(kNegateFirst | kDoubleFirst)) | kResume;
      step = stop;
    } while (step < end);
  }
}

// Two planes by two that meet by exclusive or, with three counts instead of four: with e_i = a_i ^ w_i and m = e_1 ^ ((a_0 ^ a_1) & (w_0 ^ w_1)),
//   |e_00| + 2 |a_0 ^ w_1| + 2 |a_1 ^ w_0| + 4 |e_11| = 3 |e_0| + 4 |m| + 2 |e_1|
// bit by bit, as the 16 cases show. Sums of R pixels, [R][kPanel].
template <int R>
MLQ_NOINLINE void CountMixed(const mlq_plane_tile& t, const int64_t* sources, const uint8_t* weights, int32_t* sums) {
  constexpr int V = Bits::kMixedVectors;
  const uint32_t* x[R];
  MLQ_UNROLL for (int r = 0; r < R; r++) { x[r] = t.source + sources[r]; }
  const int64_t high = t.source_words, plane = t.plane_bytes;
  const mlq_plane_step* const end = t.steps + t.step_count;
  const bool doubles = t.doubles != 0;
  for (int part = 0; part < kPanel; part += V * Simd::kLanes) {
    const uint8_t* w = weights + part * sizeof(uint32_t);
    const mlq_plane_step* step = t.steps;
    bool resume = false;
    do {
      const mlq_plane_step* const stop = end - step > Bits::kLongest ? step + Bits::kLongest : end;
      Simd::I low_counts[R][V], mixed_counts[R][V], high_counts[R][V];
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        MLQ_UNROLL for (int v = 0; v < V; v++) { low_counts[r][v] = mixed_counts[r][v] = high_counts[r][v] = Simd::ZeroInt(); }
      }
      for (; step < stop; step++) {
        const int64_t at = step->source;
        const int32_t* low_words = (const int32_t*)(const void*)(w + step->weights);
        const int32_t* high_words = (const int32_t*)(const void*)(w + step->weights + plane);
        Simd::I w0[V], w1[V], odd[V];
        MLQ_UNROLL for (int v = 0; v < V; v++) {
          w0[v] = Simd::LoadInt(low_words + v * Simd::kLanes);
          w1[v] = Simd::LoadInt(high_words + v * Simd::kLanes);
          odd[v] = Bits::Xor(w0[v], w1[v]);
        }
        MLQ_UNROLL for (int r = 0; r < R; r++) {
          const Simd::I a0 = Simd::BroadcastInt((int32_t)x[r][at]), a1 = Simd::BroadcastInt((int32_t)x[r][at + high]);
          const Simd::I differ = Bits::Xor(a0, a1);
          MLQ_UNROLL for (int v = 0; v < V; v++) {
            const Simd::I top = Bits::Xor(a1, w1[v]);
            low_counts[r][v] = Bits::Add(low_counts[r][v], Bits::Xor(a0, w0[v]));
            high_counts[r][v] = Bits::Add(high_counts[r][v], top);
            mixed_counts[r][v] = Bits::Add(mixed_counts[r][v], Bits::Mixed(top, differ, odd[v]));
          }
        }
      }
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        MLQ_UNROLL for (int v = 0; v < V; v++) {
          int32_t* sum = sums + r * kPanel + part + v * Simd::kLanes;
          const Simd::I once = Bits::Total(low_counts[r][v]), twice = Bits::Total(high_counts[r][v]), mixed = Bits::Total(mixed_counts[r][v]);
          const Simd::I pairs = Simd::AddInt(Simd::AddInt(once, twice), Simd::AddInt(mixed, mixed));
          Simd::I total = Simd::AddInt(once, Simd::AddInt(pairs, pairs));
          total = doubles ? Simd::AddInt(total, total) : total;
          Simd::StoreInt(sum, resume ? Simd::AddInt(Simd::LoadInt(sum), total) : total);
        }
      }
      resume = true;
    } while (step < end);
  }
}

using MixedFunction = void (*)(const mlq_plane_tile&, const int64_t*, const uint8_t*, int32_t*);

struct MixedFunctions {
  MixedFunction of[Bits::kMixedRows + 1] = {};

  template <int R>
  constexpr void Fill() {
    of[R] = &CountMixed<R>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr MixedFunctions() { Fill<Bits::kMixedRows>(); }
};

constexpr MixedFunctions kMixedFunctions;

MLQ_INLINE bool AreMixed(const mlq_plane_tile& t) { return t.operation == MLQ_PLANE_XOR && t.source_bits == 2 && t.weight_planes == 2; }

using CountFunction = void (*)(const mlq_plane_tile&, const int64_t*, const Pair&, const uint8_t*, int32_t*);

// The counting functions of 1 to Bits::kRows pixels.
struct CountFunctions {
  CountFunction of[3][Bits::kRows + 1] = {};

  template <int R>
  constexpr void Fill() {
    of[MLQ_PLANE_XOR][R] = &CountPair<R, MLQ_PLANE_XOR>;
    of[MLQ_PLANE_AND][R] = &CountPair<R, MLQ_PLANE_AND>;
    of[MLQ_PLANE_MASKED][R] = &CountPair<R, MLQ_PLANE_MASKED>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr CountFunctions() { Fill<Bits::kRows>(); }
};

constexpr CountFunctions kCountFunctions;

}  // namespace

#endif
