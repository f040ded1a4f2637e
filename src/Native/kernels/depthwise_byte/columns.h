// Depthwise integer convolution with kernels three wide and up to three high, codes to codes, with VNNI: the codes of the kernel rows of
// one input column are interleaved into the bytes of a lane, once for all outputs that the column is part of. The order that the
// interleaving gives is undone by the packing of the sums into codes, so no sum ever leaves the registers. Where fewer channels are left than fill
// half of a vector, two or four rows of outputs share it.
#ifndef MLQ_DEPTHWISE_COLUMNS_H
#define MLQ_DEPTHWISE_COLUMNS_H

#include "kernels/depthwise_byte/quads.h"

namespace {

constexpr int kColumnRows = 3;
constexpr int64_t kColumnCache = 256 << 10;  // bytes of input that stay in the second-level cache from one block of channels to the next

bool FitsColumns(const mlq_geometry& g) {
  return g.kernel_depth == 1 && g.kernel_height <= kColumnRows && g.kernel_width == 3 && g.dilation_width == 1 && g.stride_width <= 2;
}

// One block of up to 64 / R channels, R rows of outputs at once.
template <int R>
class ColumnBlock {
 public:
  ColumnBlock(const DepthwiseByteCall& the_call, int first_channel)
      : call(the_call), channel(first_channel), count(Min(kPart, the_call.g.in_channels - first_channel)), mask(~0ull >> (kBlock - count)) {
    memset(pad_row, call.padding, sizeof pad_row);
    for (int kw = 0; kw < 3; kw++) {
      const Quad w(Weights(0, kw), Weights(1, kw), Weights(2, kw), _mm512_setzero_si512());
      for (int j = 0; j < 4; j++) {
        weights[kw][j] = w.v[j];
      }
    }
    const mlq_epilogue& e = call.epilogue;
    for (int i = 0; i < kBlock; i++) {
      const int at = i % 16 / 4 * 16 + i / 16 * 4 + i % 4;  // of channel i in the order of Quad
      const int c = i % kPart;
      bias[at] = c < count ? e.bias[channel + c] : 0;
      multipliers[at] = c < count ? e.multipliers[channel + c] : 0;
      offsets[at] = c < count ? e.offsets[channel + c] : 0;
    }
    shifts = !HasNoOffsets(offsets, kBlock);
  }

  void Rows(int begin, int end) {
    const bool twice = call.g.stride_width == 2;
    for (int i = begin; i < end; i += R) {
      MLQ_UNROLL for (int r = 0; r < R; r++) { FindRow(r, Min(i + r, end - 1)); }  // what is missing repeats the last one
      if (shifts) {
        twice ? Row2<true>() : Row1<true>();
      } else {
        twice ? Row2<false>() : Row1<false>();
      }
    }
  }

 private:
  static constexpr int kPart = kBlock / R;  // lanes of a row

  struct Sums {
    __m512i v[4];
  };

  const DepthwiseByteCall& call;
  const int channel;
  const int count;
  const __mmask64 mask;
  bool shifts;
  const uint8_t* rows[R][kColumnRows];  // where each kernel row's column 0 is
  int64_t steps[R][kColumnRows];        // to the next column; 0 where the row lies in padding
  uint8_t* targets[R];
  alignas(64) uint8_t pad_row[kBlock];
  alignas(64) int32_t bias[kBlock];
  alignas(64) float multipliers[kBlock];
  alignas(64) float offsets[kBlock];
  __m512i weights[3][4];

  MLQ_INLINE __m512i Weights(int kh, int kw) const {
    const mlq_geometry& g = call.g;
    const uint8_t* from = (const uint8_t*)call.weights + (int64_t)(kh * 3 + kw) * g.in_channels + channel;
    const uint8_t* same[4] = {from, from, from, from};
    return kh < g.kernel_height ? Load(same) : _mm512_setzero_si512();
  }

  // The channels at each of R places.
  MLQ_INLINE __m512i Load(const uint8_t* const (&from)[4]) const {
    if constexpr (R == 1) {
      return _mm512_maskz_loadu_epi8(mask, from[0]);
    } else if constexpr (R == 2) {
      const __m256i low = _mm256_maskz_loadu_epi8((__mmask32)mask, from[0]), high = _mm256_maskz_loadu_epi8((__mmask32)mask, from[1]);
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    } else {
      const __m256i low = Two(from[0], from[1]), high = Two(from[2], from[3]);
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
  }

  MLQ_INLINE __m256i Two(const uint8_t* a, const uint8_t* b) const {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_maskz_loadu_epi8((__mmask16)mask, a)), _mm_maskz_loadu_epi8((__mmask16)mask, b), 1);
  }

  MLQ_INLINE void FindRow(int r, int index) {
    const Row row = RowAt(call.g, index);
    for (int kh = 0; kh < kColumnRows; kh++) {
      const int64_t input = kh < call.g.kernel_height ? InputRow(call.g, row, 0, kh) : -1;
      rows[r][kh] = input < 0 ? pad_row : call.source + input * call.g.in_channels + channel;
      steps[r][kh] = input < 0 ? 0 : call.g.in_channels;
    }
    targets[r] = call.destination + (int64_t)index * call.g.out_width * call.g.in_channels + channel;
  }

  MLQ_INLINE __m512i KernelRow(int kh, int x) const {
    const uint8_t* from[4];
    MLQ_UNROLL for (int r = 0; r < R; r++) { from[r] = rows[r][kh] + x * steps[r][kh]; }
    return Load(from);
  }

  MLQ_INLINE Quad Column(int x) const {
    if ((unsigned)x >= (unsigned)call.g.in_width) {
      const __m512i padding = _mm512_load_si512(pad_row);
      return Quad(padding, padding, padding, _mm512_setzero_si512());
    }
    return Quad(KernelRow(0, x), KernelRow(1, x), KernelRow(2, x), _mm512_setzero_si512());
  }

  MLQ_INLINE Sums First(const Quad& x) const {
    Sums s;
    MLQ_UNROLL for (int j = 0; j < 4; j++) { s.v[j] = _mm512_dpbusd_epi32(_mm512_load_si512(bias + 16 * j), x.v[j], weights[0][j]); }
    return s;
  }

  MLQ_INLINE void Next(Sums& s, const Quad& x, int kw) const {
    MLQ_UNROLL for (int j = 0; j < 4; j++) { s.v[j] = _mm512_dpbusd_epi32(s.v[j], x.v[j], weights[kw][j]); }
  }

  template <bool Shifts>
  MLQ_INLINE __m512i Words(const Sums& s, int j) const {
    __m512 a = _mm512_mul_ps(_mm512_cvtepi32_ps(s.v[j]), _mm512_load_ps(multipliers + 16 * j));
    __m512 b = _mm512_mul_ps(_mm512_cvtepi32_ps(s.v[j + 1]), _mm512_load_ps(multipliers + 16 * j + 16));
    if (Shifts) {
      a = _mm512_add_ps(a, _mm512_load_ps(offsets + 16 * j));
      b = _mm512_add_ps(b, _mm512_load_ps(offsets + 16 * j + 16));
    }
    return _mm512_adds_epi16(_mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b)), _mm512_set1_epi16((int16_t)call.epilogue.zero_point));
  }

  // Codes of the output pixels that lie `offset` behind the beginnings of their rows.
  template <bool Shifts>
  MLQ_INLINE void Finish(const Sums& s, int64_t offset) const {
    const __m512i bytes = _mm512_packus_epi16(Words<Shifts>(s, 0), Words<Shifts>(s, 2));
    const __m512i low = _mm512_set1_epi8((char)call.epilogue.minimum), high = _mm512_set1_epi8((char)call.epilogue.maximum);
    const __m512i codes = _mm512_min_epu8(_mm512_max_epu8(bytes, low), high);
    if constexpr (R == 4) {
      Sixteen(targets[0] + offset, _mm512_castsi512_si128(codes));
      Sixteen(targets[1] + offset, _mm512_extracti32x4_epi32(codes, 1));
      Sixteen(targets[2] + offset, _mm512_extracti32x4_epi32(codes, 2));
      Sixteen(targets[3] + offset, _mm512_extracti32x4_epi32(codes, 3));
    } else if constexpr (R == 2) {
      ThirtyTwo(targets[0] + offset, _mm512_castsi512_si256(codes), count);
      ThirtyTwo(targets[1] + offset, _mm512_extracti64x4_epi64(codes, 1), count);
    } else if (count == kBlock) {
      _mm512_storeu_si512(targets[0] + offset, codes);
    } else {
      _mm256_storeu_si256((__m256i*)(targets[0] + offset), _mm512_castsi512_si256(codes));  // more than half of them, or R were 2
      ThirtyTwo(targets[0] + offset + 32, _mm512_extracti64x4_epi64(codes, 1), count - 32);
    }
  }

  MLQ_INLINE void ThirtyTwo(uint8_t* target, __m256i codes, int few) const {
    if (few == 32) {
      _mm256_storeu_si256((__m256i*)target, codes);
    } else {
      Simd::StoreSome(target, codes, few);
    }
  }

  MLQ_INLINE void Sixteen(uint8_t* target, __m128i codes) const {
    if (count == 16) {
      _mm_storeu_si128((__m128i*)target, codes);
    } else {
      Simd::StoreSome(target, _mm256_castsi128_si256(codes), count);
    }
  }

  // Stride 1: each column is the third of one output, the second of the next and the first of the one after.
  template <bool Shifts>
  MLQ_NOINLINE void Row1() const {
    const int pad = call.g.pad_width;
    int64_t offset = 0;
    Quad x = Column(-pad);
    Sums now = First(x);
    x = Column(1 - pad);
    Next(now, x, 1);
    Sums next = First(x);
    for (int column = 0; column < call.g.out_width; column++, offset += call.g.in_channels) {
      x = Column(column + 2 - pad);
      Next(now, x, 2);
      Finish<Shifts>(now, offset);
      Next(next, x, 1);
      now = next;
      next = First(x);
    }
  }

  // Stride 2: the third column of an output is the first of the next.
  template <bool Shifts>
  MLQ_NOINLINE void Row2() const {
    const int pad = call.g.pad_width;
    int64_t offset = 0;
    Sums now = First(Column(-pad));
    for (int column = 0; column < call.g.out_width; column++, offset += call.g.in_channels) {
      Next(now, Column(2 * column + 1 - pad), 1);
      const Quad x = Column(2 * column + 2 - pad);
      Next(now, x, 2);
      Finish<Shifts>(now, offset);
      now = First(x);
    }
  }
};

void DepthwiseColumnRows(const DepthwiseByteCall& call, int begin, int end) {
  const mlq_geometry& g = call.g;
  const int64_t row = (int64_t)g.in_width * g.in_channels * g.stride_height;
  const int step = (int)Clip<int64_t>(kColumnCache / Max<int64_t>(row, 1), 1, Max(end - begin, 1));
  for (int first = begin; first < end; first += step) {
    const int last = Min(first + step, end);
    for (int channel = 0; channel < g.in_channels; channel += kBlock) {
      const int left = g.in_channels - channel;
      left <= kBlock / 4   ? ColumnBlock<4>(call, channel).Rows(first, last)
      : left <= kBlock / 2 ? ColumnBlock<2>(call, channel).Rows(first, last)
                           : ColumnBlock<1>(call, channel).Rows(first, last);
    }
  }
}

// What no accumulator exceeds.
int64_t ReachOf(const DepthwiseByteCall& call) {
  int64_t most = 0;
  for (int c = 0; c < call.g.in_channels; c++) {
    const int64_t bias = call.epilogue.bias[c];
    most = Max(most, bias < 0 ? -bias : bias);
  }
  return most + (int64_t)call.g.kernel_depth * call.g.kernel_height * call.g.kernel_width * 255 * 128;
}

void DepthwiseVnniRows(const DepthwiseByteCall& call, int begin, int end) {
  const mlq_epilogue& e = call.epilogue;
  const bool packs = e.output == MLQ_OUTPUT_UINT8 && IsByteRange(e) && IsTame(e.multipliers, e.offsets, call.g.in_channels, ReachOf(call));
  packs && FitsColumns(call.g) ? DepthwiseColumnRows(call, begin, end) : DepthwiseQuadRows(call, begin, end);
}

}  // namespace

#endif
