// Layers over bit planes: a lane is an output, a step broadcasts one word of a pixel to the words of 32 outputs and counts the bits of what both
// make. Pairs of planes are taken from the top down: sums are doubled where the next pair counts half, so there is one sum for each output.
#ifndef MLQ_PLANES_H
#define MLQ_PLANES_H

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

// Values of an epilogue, for runs of pixels that lie side by side in the output.
struct ValueWriter {
  const mlq_plane_tile& t;
  ChannelEpilogue<kPanel / Simd::kLanes> epilogue;
  int64_t first, pitch;  // bytes

  ValueWriter(const mlq_plane_tile& tile, int channel, int width, const int32_t* constants)
      : t(tile),
        epilogue(*tile.epilogue, channel, width, constants),
        first(channel * OutputSize(tile.epilogue->output)),
        pitch((int64_t)tile.out_channels * OutputSize(tile.epilogue->output)) {}

  MLQ_INLINE void Write(const int32_t* sums, const int64_t* outputs, int rows) const {
    for (int begin = 0, end; begin < rows; begin = end) {
      for (end = begin + 1; end < rows && outputs[end] == outputs[end - 1] + 1; end++) {
      }
      epilogue.RunJoined(sums + begin * kPanel, end - begin, outputs[begin], t.destination + outputs[begin] * pitch + first, pitch);
    }
  }
};

// The quickest case, where the counts of a panel fit the registers: one pair of planes, few enough steps, one threshold for one bit.
template <int R, int Operation>
MLQ_NOINLINE void CountSigns(const mlq_plane_tile& t, const uint8_t* weights, const PlaneCodeWriter<1>& writer, int begin, int stripes) {
  // Copies, because the words written might alias the originals.
  const uint32_t* const source = t.source;
  const mlq_plane_step *const steps = t.steps, *const end = t.steps + t.step_count;
  const int64_t *sources = t.sources + begin, *outputs = t.outputs + begin;
  const SignWriter signs(writer);
  for (int s = 0; s < stripes; s++, sources += R, outputs += R) {
    const uint32_t* x[R];
    MLQ_UNROLL for (int r = 0; r < R; r++) { x[r] = source + sources[r]; }
    Simd::I counts[R][Bits::kVectors];
    CountSteps<R, Operation>(x, steps, end, weights, counts);
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      MLQ_UNROLL for (int v = 0; v < Bits::kVectors; v++) { counts[r][v] = Bits::Total(counts[r][v]); }
      signs.Write(counts[r], outputs[r]);
    }
  }
}

using SignsFunction = void (*)(const mlq_plane_tile&, const uint8_t*, const PlaneCodeWriter<1>&, int, int);

template <int Part>
struct SignsFunctions {
  SignsFunction of[3][Bits::kRows + 1] = {};

  template <int R>
  constexpr void Fill() {
    of[MLQ_PLANE_XOR][R] = &CountSigns<R, MLQ_PLANE_XOR>;
    of[MLQ_PLANE_AND][R] = &CountSigns<R, MLQ_PLANE_AND>;
    of[MLQ_PLANE_MASKED][R] = &CountSigns<R, MLQ_PLANE_MASKED>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr SignsFunctions() { Fill<Bits::kRows>(); }
};

struct SignsRunner {
  static MLQ_INLINE void Run(const mlq_plane_tile& t, int panel) { Dispatch<kPart>(t, panel); }

 private:
  template <int Part>
  static MLQ_INLINE void Dispatch(const mlq_plane_tile& t, int panel) {
    if constexpr (Part == kPanel) {
      static constexpr SignsFunctions<Part> functions;
      const int stripes = CeilDivide(t.pixels, Bits::kRows);
      const int rows = CeilDivide(t.pixels, Max(stripes, 1));
      const int shorter = rows * stripes - t.pixels;  // stripes of a pixel less
      const int channel = t.channel + panel * kPanel;
      const uint8_t* weights = t.panels + panel * t.panel_bytes + t.words_begin;
      const PlaneCodeWriter<1> writer(t, channel, Min(kPanel, t.channel_end - channel), t.constants + panel * kPanel, t.doubles != 0);
      if (stripes > shorter) {
        functions.of[t.operation][rows](t, weights, writer, 0, stripes - shorter);
      }
      if (shorter > 0) {
        functions.of[t.operation][rows - 1](t, weights, writer, rows * (stripes - shorter), shorter);
      }
    }
  }
};

bool AreSigns(const mlq_plane_tile& t) {
  return kPart == kPanel && t.plane_bits == 1 && t.source_bits * t.weight_planes == 1 && !t.top_is_negative && t.step_count <= Bits::kLongest;
}

template <class Writer>
struct PairsRunner {
  static MLQ_NOINLINE void Run(const mlq_plane_tile& t, int panel) {
    alignas(64) int32_t sums[Bits::kRows * kPanel];
    const Pairs pairs(t);
    const CountFunction* functions = kCountFunctions.of[t.operation];
    const int stripes = CeilDivide(t.pixels, Bits::kRows);
    const int channel = t.channel + panel * kPanel;
    const uint8_t* weights = t.panels + panel * t.panel_bytes + t.words_begin;
    const Writer writer(t, channel, Min(kPanel, t.channel_end - channel), t.constants + panel * kPanel);
    for (int s = 0; s < stripes; s++) {
      const int begin = Share(t.pixels, s, stripes);
      const int rows = Share(t.pixels, s + 1, stripes) - begin;
      for (int i = 0; i < pairs.count; i++) {
        functions[rows](t, t.sources + begin, pairs.of[i], weights, sums);
      }
      writer.Write(sums, t.outputs + begin, rows);
    }
  }
};

void RunPanel(const mlq_plane_tile& t, int panel) {
  if (t.threshold_count == 0) {
    PairsRunner<ValueWriter>::Run(t, panel);
  } else if (t.plane_bits == 0) {
    PairsRunner<ByteCodeWriter>::Run(t, panel);
  } else if (AreSigns(t)) {
    SignsRunner::Run(t, panel);
  } else if (t.plane_bits == 1) {
    PairsRunner<PlaneCodeWriter<1>>::Run(t, panel);
  } else {
    PairsRunner<PlaneCodeWriter<2>>::Run(t, panel);
  }
}

// Panels are the outer loop: one that lies in the first cache serves all parts.
void RunTiles(const mlq_plane_tile* tiles, int count) {
  for (int panel = 0; count > 0 && panel < tiles->panel_count; panel++) {
    for (int i = 0; i < count; i++) {
      RunPanel(tiles[i], panel);
    }
  }
}

}  // namespace

#define MLQ_DEFINE_PLANES(isa) \
  extern "C" void mlq_##isa##_plane_tiles(const mlq_plane_tile* tiles, int32_t count) { RunTiles(tiles, count); }

#endif
