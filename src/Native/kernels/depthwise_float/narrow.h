// Depthwise float convolution with kernels three wide and up to three high: the weights of a vector of channels stay in registers
// along a row, and neighbouring pixels share what they read.
#ifndef MLQ_DEPTHWISE_NARROW_H
#define MLQ_DEPTHWISE_NARROW_H

#include "kernels/depthwise_float/generic.h"

namespace {

constexpr int kRunPixels = kLanes == 16 ? 8 : 4;

bool IsNarrow(const mlq_geometry& g) {
  return g.kernel_depth == 1 && g.kernel_height <= 3 && g.kernel_width == 3 && g.dilation_width == 1 && g.stride_width <= 2;
}

// The kernel rows of an output row that lie inside the image: neighbours, `count` of them.
struct Lines {
  int first, count;
  const float* input[3];

  Lines(const DepthwiseFloatCall& call, const Row& row) : first(0), count(0) {
    for (int kh = 0; kh < call.g.kernel_height; kh++) {
      const int64_t pixel = InputRow(call.g, row, 0, kh);
      if (pixel >= 0) {
        first = count == 0 ? kh : first;
        input[count++] = call.source + pixel * call.g.in_channels;
      }
    }
  }
};

template <int H, int S>
struct LineKernel {
  static constexpr int kPixelRun = kRunPixels / S;
  const DepthwiseFloatCall& call;
  const Lines& lines;
  const int64_t channels;
  const int channel;
  Simd::F weights[H][3];
  Simd::F bias, low, high;

  MLQ_INLINE LineKernel(const DepthwiseFloatCall& c, const Lines& l, int at)
      : call(c), lines(l), channels(c.g.in_channels), channel(at), bias(Simd::Load(c.bias + at)), low(Simd::Broadcast(c.low)), high(Simd::Broadcast(c.high)) {
    MLQ_UNROLL for (int h = 0; h < H; h++) {
      MLQ_UNROLL for (int kw = 0; kw < 3; kw++) { weights[h][kw] = Simd::Load(c.weights + ((lines.first + h) * 3 + kw) * channels + at); }
    }
  }

  // N outputs whose taps are all inside; x: the column of the first tap.
  template <int N>
  MLQ_INLINE void Inside(int64_t x, float* out) const {
    Simd::F acc[N];
    MLQ_UNROLL for (int n = 0; n < N; n++) { acc[n] = Simd::Zero(); }
    MLQ_UNROLL for (int h = 0; h < H; h++) {
      const float* p = lines.input[h] + x * channels + channel;
      Simd::F values[(N - 1) * S + 3];
      MLQ_UNROLL for (int i = 0; i < (N - 1) * S + 3; i++) { values[i] = Simd::Load(p + i * channels); }
      MLQ_UNROLL for (int kw = 0; kw < 3; kw++) {
        MLQ_UNROLL for (int n = 0; n < N; n++) { acc[n] = Simd::Fma(values[n * S + kw], weights[h][kw], acc[n]); }
      }
    }
    MLQ_UNROLL for (int n = 0; n < N; n++) { Finish(acc[n], out + n * channels); }
  }

  // One output with taps outside, which are skipped.
  MLQ_INLINE void Border(int64_t x, float* out) const {
    Simd::F acc = Simd::Zero();
    MLQ_UNROLL for (int h = 0; h < H; h++) {
      MLQ_UNROLL for (int kw = 0; kw < 3; kw++) {
        if ((uint64_t)(x + kw) < (uint64_t)call.g.in_width) {
          acc = Simd::Fma(Simd::Load(lines.input[h] + (x + kw) * channels + channel), weights[h][kw], acc);
        }
      }
    }
    Finish(acc, out);
  }

  MLQ_INLINE void Finish(Simd::F acc, float* out) const { Simd::Store(out, Simd::Clamp(Simd::Add(acc, bias), low, high)); }

  MLQ_INLINE void Run(const Interior& inside, float* out) const {
    const int pad = call.g.pad_width;
    int x = 0;
    while (x < call.g.out_width) {
      float* target = out + x * channels + channel;
      if (x < inside.begin || x >= inside.end) {
        Border(x * S - pad, target);
        x++;
      } else if (x + kPixelRun <= inside.end) {
        Inside<kPixelRun>(x * S - pad, target);
        x += kPixelRun;
      } else if (x + 2 <= inside.end) {
        Inside<2>(x * S - pad, target);
        x += 2;
      } else {
        Inside<1>(x * S - pad, target);
        x++;
      }
    }
  }
};

template <int H, int S>
MLQ_NOINLINE void LinesOf(const DepthwiseFloatCall& call, const Lines& lines, const Interior& inside, float* out) {
  EachVector(0, call.g.in_channels, [&](int channel) __attribute__((always_inline)) { LineKernel<H, S>(call, lines, channel).Run(inside, out); });
}

template <int S>
void NarrowKernelRows(const DepthwiseFloatCall& call, int begin, int end) {
  const Interior inside = InteriorOf(call.g);
  for (int i = begin; i < end; i++) {
    const Row row = RowAt(call.g, i);
    const Lines lines(call, row);
    float* out = call.destination + row.output * call.g.in_channels;
    switch (lines.count) {
      case 3: LinesOf<3, S>(call, lines, inside, out); break;
      case 2: LinesOf<2, S>(call, lines, inside, out); break;
      case 1: LinesOf<1, S>(call, lines, inside, out); break;
      default: DepthwiseFloatRows(call, i, i + 1); break;
    }
  }
}

void WideFloatRows(const DepthwiseFloatCall& call, int begin, int end) {
  if (!IsNarrow(call.g)) {
    DepthwiseFloatRows(call, begin, end);
  } else if (call.g.stride_width == 1) {
    NarrowKernelRows<1>(call, begin, end);
  } else {
    NarrowKernelRows<2>(call, begin, end);
  }
}

}  // namespace

#define MLQ_DEFINE_DEPTHWISE_FLOAT(isa)                                                                                    \
  extern "C" void mlq_##isa##_depthwise_float(const mlq_geometry* g, const float* source, const float* weights,             \
                                              const float* bias, float low, float high, float* destination,                \
                                              int32_t begin, int32_t end) {                                                \
    const DepthwiseFloatCall call = {*g, source, weights, bias, low, high, destination};                                   \
    g->in_channels < kLanes ? NarrowFloatRows(call, begin, end) : WideFloatRows(call, begin, end);                         \
  }

#endif
