// Layers over bit planes: a lane is an output, a step broadcasts one word of a pixel to the words of 32 outputs and counts the bits of what both
// make.
#ifndef MLQ_PLANES_H
#define MLQ_PLANES_H

#include "kernels/planes/counts.h"
#include "kernels/planes/thresholds.h"

namespace {

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

// The next quickest: mid-rise bits times mid-rise bits into 16-bit codes, an addition and signs of the sum, all of it in registers.
template <int R, bool kWhole>
MLQ_NOINLINE void CountJoined(const mlq_plane_tile& t, const uint8_t* weights, int channel, int panel, int begin, int stripes) {
  constexpr int V = kPanel / Simd::kLanes;
  const uint32_t* const source = t.source;
  const mlq_plane_step *const steps = t.steps, *const end = t.steps + t.step_count;
  const int64_t *sources = t.sources + begin, *outputs = t.outputs + begin;
  const int width = Min(kPanel, t.channel_end - channel);
  const ChannelEpilogue<V> epilogue(*t.epilogue, channel, width, t.constants + panel * kPanel);
  const Join<int16_t, V, 1, kWhole> join(*t.epilogue, channel, width);
  for (int s = 0; s < stripes; s++, sources += R, outputs += R) {
    const uint32_t* x[R];
    MLQ_UNROLL for (int r = 0; r < R; r++) { x[r] = source + sources[r]; }
    Simd::I counts[R][Bits::kVectors];
    CountSteps<R, MLQ_PLANE_XOR>(x, steps, end, weights, counts);
    MLQ_UNROLL for (int r = 0; r < R; r++) {
      join.Row(outputs[r], [&](int v) __attribute__((always_inline)) {
        const Simd::I total = Bits::Total(counts[r][v]);
        return epilogue.Real(Simd::AddInt(total, total), v);
      });
    }
  }
}

using JoinedFunction = void (*)(const mlq_plane_tile&, const uint8_t*, int, int, int, int);

template <int Part>
struct JoinedFunctions {
  JoinedFunction of[2][Bits::kRows + 1] = {};

  template <int R>
  constexpr void Fill() {
    of[0][R] = &CountJoined<R, false>;
    of[1][R] = &CountJoined<R, true>;
    if constexpr (R > 1) {
      Fill<R - 1>();
    }
  }

  constexpr JoinedFunctions() { Fill<Bits::kRows>(); }
};

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

struct JoinedRunner {
  static MLQ_INLINE void Run(const mlq_plane_tile& t, int panel) { Dispatch<kPart>(t, panel); }

 private:
  template <int Part>
  static MLQ_INLINE void Dispatch(const mlq_plane_tile& t, int panel) {
    if constexpr (Part == kPanel) {
      static constexpr JoinedFunctions<Part> functions;
      const bool whole = IsWholeJoin(*t.epilogue);
      const int stripes = CeilDivide(t.pixels, Bits::kRows);
      const int rows = CeilDivide(t.pixels, Max(stripes, 1));
      const int shorter = rows * stripes - t.pixels;  // stripes of a pixel less
      const int channel = t.channel + panel * kPanel;
      const uint8_t* weights = t.panels + panel * t.panel_bytes + t.words_begin;
      if (stripes > shorter) {
        functions.of[whole][rows](t, weights, channel, panel, 0, stripes - shorter);
      }
      if (shorter > 0) {
        functions.of[whole][rows - 1](t, weights, channel, panel, rows * (stripes - shorter), shorter);
      }
    }
  }
};

bool AreJoinedSigns(const mlq_plane_tile& t) {
  const mlq_join* join = t.epilogue->join;
  return kPart == kPanel && join && join->threshold_count == 1 && join->plane_bits == 1 && t.epilogue->output == MLQ_OUTPUT_INT16 && t.operation == MLQ_PLANE_XOR &&
         t.doubles && t.source_bits * t.weight_planes == 1 && t.step_count <= Bits::kLongest;
}

bool AreSigns(const mlq_plane_tile& t) {
  return kPart == kPanel && t.plane_bits == 1 && t.source_bits * t.weight_planes == 1 && !t.top_is_negative && t.step_count <= Bits::kLongest;
}

template <class Writer>
struct MixedRunner {
  static MLQ_NOINLINE void Run(const mlq_plane_tile& t, int panel) {
    constexpr int kRows = 2 * Bits::kMixedRows;
    alignas(64) int32_t sums[kRows * kPanel];
    const int stripes = CeilDivide(t.pixels, kRows);
    const int channel = t.channel + panel * kPanel;
    const uint8_t* weights = t.panels + panel * t.panel_bytes + t.words_begin;
    const Writer writer(t, channel, Min(kPanel, t.channel_end - channel), t.constants + panel * kPanel);
    for (int s = 0; s < stripes; s++) {
      const int begin = Share(t.pixels, s, stripes);
      const int rows = Share(t.pixels, s + 1, stripes) - begin, half = (rows + 1) / 2;
      kMixedFunctions.of[half](t, t.sources + begin, weights, sums);
      if (rows > half) {
        kMixedFunctions.of[rows - half](t, t.sources + begin + half, weights, sums + half * kPanel);
      }
      writer.Write(sums, t.outputs + begin, rows);
    }
  }
};

template <class Writer>
struct PairsRunner {
  static MLQ_NOINLINE void Run(const mlq_plane_tile& t, int panel) {
    if (AreMixed(t)) {
      return MixedRunner<Writer>::Run(t, panel);
    }
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
  if (t.threshold_count == 0 && AreJoinedSigns(t)) {
    JoinedRunner::Run(t, panel);
  } else if (t.threshold_count == 0) {
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

// A share of the panel behind one that is worked on: few pixels leave no other time to bring it near.
MLQ_INLINE void FetchAhead(const mlq_plane_tile& t, int panel, int part, int parts) {
  constexpr int kLine = 64;
  const int lines = (int)(t.panel_bytes / kLine);
  const uint8_t* next = t.panels + (panel + 1) * t.panel_bytes;
  for (int line = Share(lines, part, parts); line < Share(lines, part + 1, parts); line++) {
    __builtin_prefetch(next + line * kLine, 0, 2);
  }
}

constexpr int kFewPixels = 128;

// Panels are the outer loop: one that lies in the first cache serves all parts.
void RunTiles(const mlq_plane_tile* tiles, int count) {
  for (int panel = 0; count > 0 && panel < tiles->panel_count; panel++) {
    for (int i = 0; i < count; i++) {
      if (tiles[i].pixels < kFewPixels) {
        FetchAhead(tiles[i], panel, i, count);
      }
      RunPanel(tiles[i], panel);
    }
  }
}

}  // namespace

#define MLQ_DEFINE_PLANES(isa) \
  extern "C" void mlq_##isa##_plane_tiles(const mlq_plane_tile* tiles, int32_t count) { RunTiles(tiles, count); }

#endif
