// Register tiles of the integer convolution: some pixels times the vectors of a panel, over all runs of their patches. Behind Panel, which says how weights come into registers.
#ifndef MLQ_CONVOLUTION_BYTE_MICRO_H
#define MLQ_CONVOLUTION_BYTE_MICRO_H

#include "kernels/convolution/windows.h"
#include "kernels/epilogue.h"

namespace {

// The runs that a micro kernel reads: pointers of each pixel, and where its weights stand, in runs from the first step on.
struct Runs {
  const Dot::Value* const* table;
  const int16_t* starts;
  int count;
  int steps;  // of a run
};

using Finisher = ChannelEpilogue<Simd::kVectors>;

// Where codes of neighbouring pixels go, straight from the registers of their sums. No finisher: the sums go to memory.
struct Ending {
  const Finisher* finisher;
  uint8_t* target;
  int64_t pitch;
};

// One chunk of R pixels times P panels, of which V vectors hold outputs, from the step at `offset` bytes of a panel on. accumulators are [P][R][kWidth].
template <int R, int P, int V>
MLQ_NOINLINE void ByteMicro(const Runs& runs, const uint8_t* panels, int64_t offset, int64_t panel_stride, int64_t ahead, int32_t* accumulators, bool resume, const Ending& ending) {
  constexpr bool ends = P == 1 && V == Simd::kVectors && Finisher::kPairs;
  typename Simd::I acc[R][P * V];
  MLQ_UNROLL for (int v = 0; v < P * V; v++) {
    const typename Simd::I start = ends && ending.finisher ? ending.finisher->Bias(v) : Simd::ZeroInt();
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      acc[r][v] = resume ? Simd::AddInt(start, Simd::LoadInt(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes)) : start;
    }
  }
  Panel::Levels levels[P];
  MLQ_UNROLL for (int p = 0; p < P; p++) { levels[p].Read(panels + p * panel_stride + kCorrections); }
  const Dot::Value* const* table = runs.table;
  for (int run = 0; run < runs.count; run++, table += R) {
    const uint8_t* weights = panels + offset + (int64_t)runs.starts[run] * runs.steps * Panel::kStepBytes;
    for (int64_t k = 0; k < runs.steps; k++, weights += Panel::kStepBytes) {
      if constexpr (P == 1) {
        Prefetch(weights, ahead);
      }
      typename Simd::I panel[P * V];
      MLQ_UNROLL for (int v = 0; v < P * V; v++) { panel[v] = Panel::Load(weights + v / V * panel_stride, v % V, levels[v / V]); }
      MLQ_UNROLL for (int r = 0; r < R; r++) {
        int32_t word;
        memcpy(&word, table[r] + k * Dot::kStep, 4);
        const typename Simd::I x = Simd::BroadcastInt(word);
        MLQ_UNROLL for (int v = 0; v < P * V; v++) { acc[r][v] = Dot::MultiplyAdd(acc[r][v], x, panel[v]); }
      }
    }
  }
  if constexpr (ends) {
    if (ending.finisher) {
      __asm__ volatile("" ::: "memory");  // nothing of it is loaded before the products, which need all registers
      ending.finisher->RunRows(acc, ending.target, ending.pitch);
      return;
    }
  }
  MLQ_UNROLL for (int r = 0; r < R; r++) {
    MLQ_UNROLL for (int v = 0; v < P * V; v++) {
      Simd::StoreInt(accumulators + (v / V * R + r) * kWidth + v % V * Simd::kLanes, acc[r][v]);
    }
  }
}

using ByteMicroFunction = void (*)(const Runs&, const uint8_t*, int64_t, int64_t, int64_t, int32_t*, bool, const Ending&);

// Which micro kernel: one panel, several panels at once, or one panel of which the first vector alone holds outputs.
enum Variant { kOne, kSeveral, kHalf };

// The micro kernels of 1 to Dot::kRows pixels.
struct ByteMicros {
  ByteMicroFunction of[Dot::kRows + 1][3] = {};

  template <int R>
  constexpr void Fill() {
    constexpr int V = Simd::kVectors;
    of[R][kOne] = &ByteMicro<R, 1, V>;
    of[R][kSeveral] = &ByteMicro<R, PanelsAtOnce(R, V), V>;
    of[R][kHalf] = &ByteMicro<R, 1, V / 2>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr ByteMicros() { Fill<Dot::kRows>(); }
};

constexpr ByteMicros kByteMicros;

}  // namespace

#endif
