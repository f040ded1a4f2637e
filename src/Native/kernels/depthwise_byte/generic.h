// Depthwise integer convolution: a lane is a channel. Weights are [taps][channels].
#ifndef MLQ_DEPTHWISE_BYTE_H
#define MLQ_DEPTHWISE_BYTE_H

#include "kernels/depthwise.h"
#include "kernels/epilogue.h"

namespace {

struct DepthwiseByteCall {
  const mlq_geometry& g;
  const uint8_t* source;
  uint8_t padding;
  const int8_t* weights;
  const mlq_epilogue& epilogue;
  uint8_t* destination;
};

template <int N>
MLQ_INLINE void BytePixels(const DepthwiseByteCall& call, const ChannelEpilogue<1>& finish, const Row& row, int column, int channel) {
  const mlq_geometry& g = call.g;
  const int first = column * g.stride_width - g.pad_width;
  const Simd::I padding = Simd::BroadcastInt(call.padding);
  Simd::I acc[N];
  MLQ_UNROLL for (int n = 0; n < N; n++) { acc[n] = Simd::ZeroInt(); }
  const int8_t* w = call.weights + channel;
  for (int kd = 0; kd < g.kernel_depth; kd++) {
    for (int kh = 0; kh < g.kernel_height; kh++) {
      const int64_t input = InputRow(g, row, kd, kh);
      for (int kw = 0; kw < g.kernel_width; kw++, w += g.in_channels) {
        const int x = first + kw * g.dilation_width;
        const Simd::I weight = Simd::LoadS8(w);
        if (input < 0 || (N == 1 && (unsigned)x >= (unsigned)g.in_width)) {
          MLQ_UNROLL for (int n = 0; n < N; n++) { acc[n] = Simd::MultiplyAdd(acc[n], padding, weight); }
          continue;
        }
        const uint8_t* p = call.source + (input + x) * g.in_channels + channel;
        MLQ_UNROLL for (int n = 0; n < N; n++) {
          acc[n] = Simd::MultiplyAdd(acc[n], Simd::LoadU8(p + (int64_t)n * g.stride_width * g.in_channels), weight);
        }
      }
    }
  }
  alignas(64) int32_t sums[N * kLanes];
  MLQ_UNROLL for (int n = 0; n < N; n++) { Simd::StoreInt(sums + n * kLanes, acc[n]); }
  const int size = OutputSize(call.epilogue.output);
  const int64_t index = (row.output + column) * g.in_channels + channel;
  finish.Run(sums, N, call.destination + index * size, (int64_t)g.in_channels * size);
}

void DepthwiseByteRows(const DepthwiseByteCall& call, int begin, int end, int first_channel) {
  EachVector(first_channel, call.g.in_channels, [&](int channel) __attribute__((always_inline)) {
    const ChannelEpilogue<1> finish(call.epilogue, channel, kLanes, nullptr);
    for (int i = begin; i < end; i++) {
      const Row row = RowAt(call.g, i);
      EachColumn(call.g, [&](bool several, int column) __attribute__((always_inline)) {
        several ? BytePixels<kPixels>(call, finish, row, column, channel) : BytePixels<1>(call, finish, row, column, channel);
      });
    }
  });
}

[[maybe_unused]] void AllByteRows(const DepthwiseByteCall& call, int begin, int end) { DepthwiseByteRows(call, begin, end, 0); }

// Fewer channels than lanes: plain sums, one pixel at a time.
void NarrowByteRows(const DepthwiseByteCall& call, int begin, int end) {
  const mlq_geometry& g = call.g;
  const int size = OutputSize(call.epilogue.output);
  const ChannelEpilogue<1> finish(call.epilogue, 0, g.in_channels, nullptr);
  for (int64_t pixel = (int64_t)begin * g.out_width; pixel < (int64_t)end * g.out_width; pixel++) {
    const Row row = RowAt(g, (int)(pixel / g.out_width));
    const int first = (int)(pixel % g.out_width) * g.stride_width - g.pad_width;
    int32_t sums[kLanes] = {};
    for (int tap = 0; tap < g.kernel_depth * g.kernel_height * g.kernel_width; tap++) {
      const int column = first + tap % g.kernel_width * g.dilation_width;
      const int64_t input = InputRow(g, row, tap / g.kernel_width / g.kernel_height, tap / g.kernel_width % g.kernel_height);
      const bool inside = input >= 0 && (unsigned)column < (unsigned)g.in_width;
      for (int c = 0; c < g.in_channels; c++) {
        const int32_t x = inside ? call.source[(input + column) * g.in_channels + c] : call.padding;
        sums[c] += x * call.weights[(int64_t)tap * g.in_channels + c];
      }
    }
    finish.Run(sums, 1, call.destination + pixel * g.in_channels * size, 0);
  }
}

}  // namespace

// rows: AllByteRows, or a better way for a vector of channels and more.
#define MLQ_DEFINE_DEPTHWISE_BYTE(isa, rows)                                                                                \
  extern "C" void mlq_##isa##_depthwise_byte(const mlq_geometry* g, const uint8_t* source, uint8_t padding,                 \
                                             const int8_t* weights, const mlq_epilogue* epilogue, void* destination,        \
                                             int32_t begin, int32_t end) {                                                  \
    const DepthwiseByteCall call = {*g, source, padding, weights, *epilogue, (uint8_t*)destination};                        \
    g->in_channels < kLanes ? NarrowByteRows(call, begin, end) : rows(call, begin, end);                                    \
  }

#endif
