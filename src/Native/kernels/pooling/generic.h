// Pooling of codes: blocks of channels in a buffer, loops over channels that the compiler turns into vectors.
#ifndef MLQ_POOLING_H
#define MLQ_POOLING_H

#include "kernels/epilogue.h"
#include "kernels/rows.h"

namespace {

constexpr int kBlock = 128;  // channels at once
static_assert(kBlock % Simd::kLanes == 0, "a block is whole vectors");

// Calls body(input pixel) for every tap of the window inside the image; returns the number of taps inside.
template <class Body>
MLQ_INLINE int EachTap(const mlq_geometry& g, const Row& row, int column, Body body) {
  const int first = column * g.stride_width - g.pad_width;
  int count = 0;
  for (int kd = 0; kd < g.kernel_depth; kd++) {
    for (int kh = 0; kh < g.kernel_height; kh++) {
      const int64_t input = InputRow(g, row, kd, kh);
      for (int kw = 0; input >= 0 && kw < g.kernel_width; kw++) {
        const int x = first + kw * g.dilation_width;
        if ((unsigned)x < (unsigned)g.in_width) {
          body(input + x);
          count++;
        }
      }
    }
  }
  return count;
}

MLQ_INLINE void Maximum(uint8_t* best, const uint8_t* values, int count) {
  for (int c = 0; c < count; c++) {
    best[c] = best[c] < values[c] ? values[c] : best[c];
  }
}

void MaxPoolRows(const mlq_geometry& g, const uint8_t* source, uint8_t* destination, int begin, int end) {
  alignas(64) uint8_t best[kBlock];
  for (int i = begin; i < end; i++) {
    const Row row = RowAt(g, i);
    for (int column = 0; column < g.out_width; column++) {
      for (int c = 0; c < g.in_channels; c += kBlock) {
        const int count = Min(kBlock, g.in_channels - c);
        memset(best, 0, sizeof best);
        EachTap(g, row, column, [&](int64_t pixel) __attribute__((always_inline)) {
          const uint8_t* values = source + pixel * g.in_channels + c;
          count == kBlock ? Maximum(best, values, kBlock) : Maximum(best, values, count);
        });
        memcpy(destination + (row.output + column) * g.in_channels + c, best, (size_t)count);
      }
    }
  }
}

MLQ_INLINE void Accumulate(int32_t* sums, const uint8_t* values, int count) {
  for (int c = 0; c < count; c++) {
    sums[c] += values[c];
  }
}

void AveragePoolRows(const mlq_geometry& g, const mlq_average& a, const uint8_t* source, uint8_t* destination, int begin, int end) {
  alignas(64) int32_t sums[kBlock];
  alignas(64) uint8_t codes[kBlock];
  const Tail tail(a.zero_point, a.minimum, a.maximum);
  const int taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  for (int i = begin; i < end; i++) {
    const Row row = RowAt(g, i);
    for (int column = 0; column < g.out_width; column++) {
      for (int c = 0; c < g.in_channels; c += kBlock) {
        const int count = Min(kBlock, g.in_channels - c);
        memset(sums, 0, sizeof sums);
        const int inside = EachTap(g, row, column, [&](int64_t pixel) __attribute__((always_inline)) {
          const uint8_t* values = source + pixel * g.in_channels + c;
          count == kBlock ? Accumulate(sums, values, kBlock) : Accumulate(sums, values, count);
        });
        const Simd::F scale = Simd::Broadcast(a.multiplier / (float)(a.count_padding ? taps : inside));
        const Simd::I zero = Simd::BroadcastInt(inside * a.input_zero_point);
        for (int v = 0; v < kBlock; v += Simd::kLanes) {
          const Simd::F sum = Simd::ToFloat(Simd::SubInt(Simd::LoadInt(sums + v), zero));
          Simd::StoreU8(codes + v, tail(Simd::Mul(sum, scale)));
        }
        memcpy(destination + (row.output + column) * g.in_channels + c, codes, (size_t)count);
      }
    }
  }
}

}  // namespace

#define MLQ_DEFINE_POOLING(isa)                                                                                             \
  extern "C" void mlq_##isa##_max_pool_byte(const mlq_geometry* g, const uint8_t* source, uint8_t* destination,             \
                                            int32_t begin, int32_t end) {                                                   \
    MaxPoolRows(*g, source, destination, begin, end);                                                                       \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_average_pool_byte(const mlq_geometry* g, const mlq_average* average, const uint8_t* source,   \
                                                uint8_t* destination, int32_t begin, int32_t end) {                         \
    AveragePoolRows(*g, *average, source, destination, begin, end);                                                         \
  }

#endif
