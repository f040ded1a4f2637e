// Depthwise integer convolution with VNNI: 64 channels at once, the codes of four taps interleaved into the bytes of a lane.
#ifndef MLQ_DEPTHWISE_QUADS_H
#define MLQ_DEPTHWISE_QUADS_H

#include "kernels/depthwise_byte/generic.h"

namespace {

constexpr int kBlock = 64;      // channels
constexpr int kMaxQuadTaps = 32;
constexpr int kRun = 8;         // pixels between two epilogues

// Bytes of four rows of 64 channels, interleaved within 128-bit lanes: lane l of vector j holds the channels 16l + 4j to 16l + 4j + 3.
struct Quad {
  __m512i v[4];

  MLQ_INLINE Quad(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
    v[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
    v[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
    v[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
    v[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
  }
};

// Four accumulators in the order of Quad to 64 sums in the order of the channels.
MLQ_INLINE void StoreSums(const __m512i* acc, int32_t* sums) {
  const __m512i t0 = _mm512_shuffle_i32x4(acc[0], acc[1], 0x44), t1 = _mm512_shuffle_i32x4(acc[2], acc[3], 0x44);
  const __m512i t2 = _mm512_shuffle_i32x4(acc[0], acc[1], 0xEE), t3 = _mm512_shuffle_i32x4(acc[2], acc[3], 0xEE);
  _mm512_store_si512(sums, _mm512_shuffle_i32x4(t0, t1, 0x88));
  _mm512_store_si512(sums + 16, _mm512_shuffle_i32x4(t0, t1, 0xDD));
  _mm512_store_si512(sums + 32, _mm512_shuffle_i32x4(t2, t3, 0x88));
  _mm512_store_si512(sums + 48, _mm512_shuffle_i32x4(t2, t3, 0xDD));
}

// One block of 64 channels over any rows.
struct QuadBlock {
  const DepthwiseByteCall& call;
  const int channel;
  const int taps;
  const int groups;  // of four taps
  const ChannelEpilogue<4> finish;
  int64_t offsets[kMaxQuadTaps + 3];  // from the first tap; taps that do not exist repeat the first one, with weight 0
  alignas(64) uint8_t pad_row[kBlock];
  __m512i weights[(kMaxQuadTaps + 3) / 4 * 4];

  QuadBlock(const DepthwiseByteCall& c, int first_channel)
      : call(c),
        channel(first_channel),
        taps(c.g.kernel_depth * c.g.kernel_height * c.g.kernel_width),
        groups(CeilDivide(taps, 4)),
        finish(c.epilogue, first_channel, kBlock, nullptr) {
    const mlq_geometry& g = call.g;
    memset(pad_row, call.padding, sizeof pad_row);
    for (int t = 0; t < groups * 4; t++) {
      const int tap = t < taps ? t : 0;
      const int64_t z = tap / g.kernel_width / g.kernel_height * g.dilation_depth;
      const int64_t y = tap / g.kernel_width % g.kernel_height * g.dilation_height;
      offsets[t] = ((z * g.in_height + y) * g.in_width + tap % g.kernel_width * g.dilation_width) * g.in_channels;
    }
    for (int q = 0; q < groups; q++) {
      const Quad w(Weights(4 * q), Weights(4 * q + 1), Weights(4 * q + 2), Weights(4 * q + 3));
      for (int j = 0; j < 4; j++) {
        weights[4 * q + j] = w.v[j];
      }
    }
  }

  void Rows(int begin, int end) const {
    const mlq_geometry& g = call.g;
    const Interior columns = InteriorOf(g);
    const int size = OutputSize(call.epilogue.output);
    alignas(64) int32_t sums[kRun * kBlock];
    for (int i = begin; i < end; i++) {
      const Row row = RowAt(g, i);
      const bool inside = row.y >= 0 && row.z >= 0 && row.y + (g.kernel_height - 1) * g.dilation_height < g.in_height &&
                          row.z + (g.kernel_depth - 1) * g.dilation_depth < g.in_depth;
      for (int column = 0; column < g.out_width; column += kRun) {
        const int count = Min(kRun, g.out_width - column);
        for (int n = 0; n < count; n++) {
          const bool whole = inside && column + n >= columns.begin && column + n < columns.end;
          whole ? InsidePixel(row, column + n, sums + n * kBlock) : BorderPixel(row, column + n, sums + n * kBlock);
        }
        const int64_t index = (row.output + column) * g.in_channels + channel;
        finish.Run(sums, count, call.destination + index * size, (int64_t)g.in_channels * size);
      }
    }
  }

 private:
  MLQ_INLINE __m512i Weights(int tap) const {
    return tap < taps ? _mm512_loadu_si512(call.weights + (int64_t)tap * call.g.in_channels + channel) : _mm512_setzero_si512();
  }

  // address(t): where the 64 codes of tap t are.
  template <class Address>
  MLQ_INLINE void Pixel(int32_t* sums, Address address) const {
    __m512i acc[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int q = 0; q < groups; q++) {
      const Quad x(_mm512_loadu_si512(address(4 * q)), _mm512_loadu_si512(address(4 * q + 1)), _mm512_loadu_si512(address(4 * q + 2)),
                   _mm512_loadu_si512(address(4 * q + 3)));
      MLQ_UNROLL for (int j = 0; j < 4; j++) { acc[j] = _mm512_dpbusd_epi32(acc[j], x.v[j], weights[4 * q + j]); }
    }
    StoreSums(acc, sums);
  }

  MLQ_INLINE void InsidePixel(const Row& row, int column, int32_t* sums) const {
    const mlq_geometry& g = call.g;
    const int64_t pixel = (((int64_t)row.image * g.in_depth + row.z) * g.in_height + row.y) * g.in_width + column * g.stride_width - g.pad_width;
    const uint8_t* first = call.source + pixel * g.in_channels + channel;
    Pixel(sums, [&](int t) __attribute__((always_inline)) { return first + offsets[t]; });
  }

  MLQ_NOINLINE void BorderPixel(const Row& row, int column, int32_t* sums) const {
    const mlq_geometry& g = call.g;
    const uint8_t* addresses[kMaxQuadTaps + 3];
    for (int t = 0; t < groups * 4; t++) {
      const int tap = t < taps ? t : 0;
      const int64_t input = InputRow(g, row, tap / g.kernel_width / g.kernel_height, tap / g.kernel_width % g.kernel_height);
      const int x = column * g.stride_width - g.pad_width + tap % g.kernel_width * g.dilation_width;
      const bool inside = input >= 0 && (unsigned)x < (unsigned)g.in_width;
      addresses[t] = inside ? call.source + (input + x) * g.in_channels + channel : pad_row;
    }
    Pixel(sums, [&](int t) __attribute__((always_inline)) { return addresses[t]; });
  }
};

// Whole blocks of 64 channels; the channels behind them, and kernels of very many taps, one vector at a time.
void DepthwiseQuadRows(const DepthwiseByteCall& call, int begin, int end) {
  const int blocks = call.g.kernel_depth * call.g.kernel_height * call.g.kernel_width <= kMaxQuadTaps ? call.g.in_channels / kBlock : 0;
  for (int b = 0; b < blocks; b++) {
    QuadBlock(call, b * kBlock).Rows(begin, end);
  }
  DepthwiseByteRows(call, begin, end, blocks * kBlock);
}

}  // namespace

#endif
