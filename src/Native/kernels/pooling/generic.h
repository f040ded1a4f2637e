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

MLQ_INLINE void Maximum(uint8_t* __restrict best, const uint8_t* __restrict values, int count) {
  for (int c = 0; c < count; c++) {
    best[c] = best[c] < values[c] ? values[c] : best[c];
  }
}

// Windows are taken apart: the largest codes of the kernel rows into a line, then the largest of neighbours in the line.
constexpr int kLine = 16 * 1024;  // bytes
constexpr int kMaxBlock = 64;     // channels that stay in registers

struct MaxPool {
  const mlq_geometry& g;
  const uint8_t* source;
  uint8_t* destination;

  // Output columns whose windows fit the line; 0 for images with too many channels.
  int ColumnsAtOnce() const {
    const int pixels = kLine / g.in_channels - (g.kernel_width - 1) * g.dilation_width;
    return pixels < 1 ? 0 : (pixels - 1) / g.stride_width + 1;
  }

  void Row(const ::Row& row, int columns) const {
    alignas(64) uint8_t line[kLine];
    for (int begin = 0; begin < g.out_width; begin += columns) {
      const int end = Min(begin + columns, g.out_width);
      const int left = Clip(begin * g.stride_width - g.pad_width, 0, g.in_width);
      const int right = Clip((end - 1) * g.stride_width - g.pad_width + (g.kernel_width - 1) * g.dilation_width + 1, left, g.in_width);
      Rows(row, left, right, line);
      for (int column = begin; column < end; column++) {
        Taps(line, left, column, destination + (row.output + column) * g.in_channels);
      }
    }
  }

  // One pixel without a line.
  void Pixel(const ::Row& row, int column) const {
    uint8_t* target = destination + (row.output + column) * g.in_channels;
    memset(target, 0, (size_t)g.in_channels);
    EachTap(g, row, column, [&](int64_t pixel) __attribute__((always_inline)) { Maximum(target, source + pixel * g.in_channels, g.in_channels); });
  }

 private:
  void Rows(const ::Row& row, int left, int right, uint8_t* line) const {
    const int length = (right - left) * g.in_channels;
    bool empty = true;
    for (int kd = 0; kd < g.kernel_depth; kd++) {
      for (int kh = 0; kh < g.kernel_height; kh++) {
        const int64_t input = InputRow(g, row, kd, kh);
        if (input < 0) {
          continue;
        }
        const uint8_t* values = source + (input + left) * g.in_channels;
        if (empty) {
          memcpy(line, values, (size_t)length);
        } else {
          Maximum(line, values, length);
        }
        empty = false;
      }
    }
    if (empty) {
      memset(line, 0, (size_t)length);
    }
  }

  void Taps(const uint8_t* line, int left, int column, uint8_t* target) const {
    const int start = column * g.stride_width - g.pad_width;
    int first = 0, last = g.kernel_width;
    while (first < last && start + first * g.dilation_width < 0) {
      first++;
    }
    while (last > first && start + (last - 1) * g.dilation_width >= g.in_width) {
      last--;
    }
    if (first == last) {
      memset(target, 0, (size_t)g.in_channels);
      return;
    }
    const int pitch = g.dilation_width * g.in_channels;
    const uint8_t* values = line + (int64_t)(start + first * g.dilation_width - left) * g.in_channels;
    int c = 0;
    for (; c + kMaxBlock <= g.in_channels; c += kMaxBlock) {
      Block(values + c, last - first, pitch, target + c, kMaxBlock);
    }
    if (c < g.in_channels) {
      Block(values + c, last - first, pitch, target + c, g.in_channels - c);
    }
  }

  static MLQ_INLINE void Block(const uint8_t* values, int taps, int pitch, uint8_t* target, int count) {
    uint8_t best[kMaxBlock];
    memcpy(best, values, (size_t)count);
    for (int tap = 1; tap < taps; tap++) {
      Maximum(best, values + tap * pitch, count);
    }
    memcpy(target, best, (size_t)count);
  }
};

void MaxPoolRows(const mlq_geometry& g, const uint8_t* source, uint8_t* destination, int begin, int end) {
  const MaxPool pool = {g, source, destination};
  const int columns = pool.ColumnsAtOnce();
  for (int i = begin; i < end; i++) {
    const Row row = RowAt(g, i);
    if (columns > 0) {
      pool.Row(row, columns);
      continue;
    }
    for (int column = 0; column < g.out_width; column++) {
      pool.Pixel(row, column);
    }
  }
}

// v > best ? v : best over the taps in order: of equals the first stays, and a NaN does where it is the first tap.
struct FloatMaxPool {
  static constexpr int kVectors = 4;  // in registers at once
  static constexpr int kTaps = 64;
  const mlq_geometry& g;
  const float* source;
  float* destination;

  void Row(const ::Row& row) const {
    int64_t taps[kTaps];
    int count = 0;
    bool held = false;  // whether the taps are those of every column inside
    const Interior inside = InteriorOf(g);
    for (int column = 0; column < g.out_width; column++) {
      const int64_t first = (int64_t)(column * g.stride_width - g.pad_width) * g.in_channels;
      const bool interior = column >= inside.begin && column < inside.end;
      if (!interior || !held) {
        count = 0;
        EachTap(g, row, column, [&](int64_t pixel) __attribute__((always_inline)) { taps[count++] = pixel * g.in_channels - first; });
        held = interior;
      }
      Pixel(source + first, taps, count, destination + (row.output + column) * g.in_channels);
    }
  }

 private:
  MLQ_INLINE void Pixel(const float* origin, const int64_t* taps, int count, float* target) const {
    int c = 0;
    for (; c + kVectors * Simd::kLanes <= g.in_channels; c += kVectors * Simd::kLanes) {
      Block<kVectors>(origin + c, taps, count, target + c);
    }
    for (; c + Simd::kLanes <= g.in_channels; c += Simd::kLanes) {
      Block<1>(origin + c, taps, count, target + c);
    }
    for (; c < g.in_channels; c++) {
      float best = count > 0 ? origin[taps[0] + c] : -__builtin_inff();
      for (int t = 1; t < count; t++) {
        const float value = origin[taps[t] + c];
        best = value > best ? value : best;
      }
      target[c] = best;
    }
  }

  template <int V>
  static MLQ_INLINE void Block(const float* origin, const int64_t* taps, int count, float* target) {
    Simd::F best[V];
    MLQ_UNROLL for (int v = 0; v < V; v++) { best[v] = count > 0 ? Simd::Load(origin + taps[0] + v * Simd::kLanes) : Simd::Broadcast(-__builtin_inff()); }
    for (int t = 1; t < count; t++) {
      MLQ_UNROLL for (int v = 0; v < V; v++) { best[v] = Simd::Larger(Simd::Load(origin + taps[t] + v * Simd::kLanes), best[v]); }
    }
    MLQ_UNROLL for (int v = 0; v < V; v++) { Simd::Store(target + v * Simd::kLanes, best[v]); }
  }
};

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
  extern "C" void mlq_##isa##_max_pool_float(const mlq_geometry* g, const float* source, float* destination, int32_t begin, int32_t end) { \
    const FloatMaxPool pool = {*g, source, destination};                                                                    \
    for (int row = begin; row < end; row++) {                                                                               \
      pool.Row(RowAt(*g, row));                                                                                             \
    }                                                                                                                       \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_average_pool_byte(const mlq_geometry* g, const mlq_average* average, const uint8_t* source,   \
                                                uint8_t* destination, int32_t begin, int32_t end) {                         \
    AveragePoolRows(*g, *average, source, destination, begin, end);                                                         \
  }

#endif
