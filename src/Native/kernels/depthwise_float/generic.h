// Depthwise float convolution: a lane is a channel, each output one chain of fused multiply-adds. Weights are [taps][channels].
#ifndef MLQ_DEPTHWISE_FLOAT_H
#define MLQ_DEPTHWISE_FLOAT_H

#include "kernels/depthwise.h"

namespace {

struct DepthwiseFloatCall {
  const mlq_geometry& g;
  const float* source;
  const float* weights;
  const float* bias;
  float low, high;
  float* destination;
};

template <int N>
MLQ_INLINE void FloatPixels(const DepthwiseFloatCall& call, const Row& row, int column, int channel) {
  const mlq_geometry& g = call.g;
  const int first = column * g.stride_width - g.pad_width;
  Simd::F acc[N];
  MLQ_UNROLL for (int n = 0; n < N; n++) { acc[n] = Simd::Zero(); }
  const float* w = call.weights + channel;
  for (int kd = 0; kd < g.kernel_depth; kd++) {
    for (int kh = 0; kh < g.kernel_height; kh++) {
      const int64_t input = InputRow(g, row, kd, kh);
      if (input < 0) {
        w += (int64_t)g.kernel_width * g.in_channels;
        continue;
      }
      for (int kw = 0; kw < g.kernel_width; kw++, w += g.in_channels) {
        const int x = first + kw * g.dilation_width;
        if (N == 1 && (unsigned)x >= (unsigned)g.in_width) {
          continue;
        }
        const Simd::F weight = Simd::Load(w);
        const float* p = call.source + (input + x) * g.in_channels + channel;
        MLQ_UNROLL for (int n = 0; n < N; n++) {
          acc[n] = Simd::Fma(Simd::Load(p + (int64_t)n * g.stride_width * g.in_channels), weight, acc[n]);
        }
      }
    }
  }
  const Simd::F bias = Simd::Load(call.bias + channel);
  float* out = call.destination + (row.output + column) * g.in_channels + channel;
  MLQ_UNROLL for (int n = 0; n < N; n++) {
    Simd::Store(out + (int64_t)n * g.in_channels,
                Simd::Clamp(Simd::Add(acc[n], bias), Simd::Broadcast(call.low), Simd::Broadcast(call.high)));
  }
}

void DepthwiseFloatRows(const DepthwiseFloatCall& call, int begin, int end) {
  for (int i = begin; i < end; i++) {
    const Row row = RowAt(call.g, i);
    EachVector(0, call.g.in_channels, [&](int channel) __attribute__((always_inline)) {
      EachColumn(call.g, [&](bool several, int column) __attribute__((always_inline)) {
        several ? FloatPixels<kPixels>(call, row, column, channel) : FloatPixels<1>(call, row, column, channel);
      });
    });
  }
}

// Fewer channels than lanes: operands widened to whole vectors on the stack, one pixel and tap at a time.
void NarrowFloatRows(const DepthwiseFloatCall& call, int begin, int end) {
  const mlq_geometry& g = call.g;
  const size_t bytes = sizeof(float) * (size_t)g.in_channels;
  float x[kLanes] = {}, w[kLanes] = {}, bias[kLanes] = {}, y[kLanes];
  memcpy(bias, call.bias, bytes);
  for (int64_t pixel = (int64_t)begin * g.out_width; pixel < (int64_t)end * g.out_width; pixel++) {
    const Row row = RowAt(g, (int)(pixel / g.out_width));
    const int first = (int)(pixel % g.out_width) * g.stride_width - g.pad_width;
    Simd::F acc = Simd::Zero();
    for (int tap = 0; tap < g.kernel_depth * g.kernel_height * g.kernel_width; tap++) {
      const int column = first + tap % g.kernel_width * g.dilation_width;
      const int64_t input = InputRow(g, row, tap / g.kernel_width / g.kernel_height, tap / g.kernel_width % g.kernel_height);
      if (input >= 0 && (unsigned)column < (unsigned)g.in_width) {
        memcpy(x, call.source + (input + column) * g.in_channels, bytes);
        memcpy(w, call.weights + (int64_t)tap * g.in_channels, bytes);
        acc = Simd::Fma(Simd::Load(x), Simd::Load(w), acc);
      }
    }
    Simd::Store(y, Simd::Clamp(Simd::Add(acc, Simd::Load(bias)), Simd::Broadcast(call.low), Simd::Broadcast(call.high)));
    memcpy(call.destination + pixel * g.in_channels, y, bytes);
  }
}

}  // namespace

#endif
