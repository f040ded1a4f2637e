// Packing and the entry points of the integer convolution of signed bytes.
#ifndef MLQ_CONVOLUTION_BYTE_ENTRY_H
#define MLQ_CONVOLUTION_BYTE_ENTRY_H

#include "kernels/convolution_byte/generic.h"

namespace {

constexpr int kPackSteps = 64;     // whose weights lie in the first cache while lane after lane is written
constexpr int kPackChannels = 64;  // likewise, where channels come first

static_assert(Dot::kStep * sizeof(Dot::Weight) == sizeof(uint32_t), "the weights of a step are written as one word");

// The weights of one step, which lie `pitch` apart, as the word that stands for them in memory (of little-endian order).
MLQ_INLINE void StoreStep(const int8_t* from, int pitch, Dot::Weight* target) {
  constexpr int bits = 8 * (int)sizeof(Dot::Weight);
  uint32_t word = 0;
  MLQ_UNROLL for (int i = 0; i < Dot::kStep; i++) { word |= ((uint32_t)(int32_t)from[i * pitch] & (0xFFFFFFFFu >> (32 - bits))) << (i * bits); }
  memcpy(target, &word, sizeof(word));
}

// Sums are needed only where codes are corrected by them.
MLQ_INLINE int32_t SumOf(const int8_t* row, int begin, int end) {
  int32_t sum = 0;
  for (int k = begin; Dot::kCodeOffset != 0 && k < end; k++) {
    sum += row[k];
  }
  return sum;
}

// The steps [begin, end) of one lane, whose weights lie in the order of the steps.
MLQ_INLINE int32_t PackLane(const int8_t* row, int begin, int end, Dot::Weight* target) {
  for (int step = begin; step < end; step++, target += kWidth * Dot::kStep) {
    StoreStep(row + step * Dot::kStep, 1, target);
  }
  return SumOf(row, begin * Dot::kStep, end * Dot::kStep);
}

#if defined(__SSE4_1__)
constexpr int kSquare = 9;       // taps of 3 x 3
constexpr int kSquareRead = 43;  // bytes read from the first weight of a step

MLQ_INLINE void StoreWord(int8_t* to, int32_t word) { memcpy(to, &word, sizeof(word)); }

// The steps of four channels x 9 taps that can be read by whole vectors, which must end before `limit`; gives the first channel left.
MLQ_INLINE int TurnSquare(const int8_t* row, const int8_t* limit, int begin, int end, int64_t tap_pitch, int8_t* target) {
  int channel = begin;
  for (; channel < end && limit - (row + channel * kSquare) >= kSquareRead; channel += 4) {
    const int8_t* from = row + channel * kSquare;
    __m128i r[4];
    MLQ_UNROLL for (int i = 0; i < 4; i++) { r[i] = _mm_loadu_si128((const __m128i*)(const void*)(from + i * kSquare)); }
    const __m128i low01 = _mm_unpacklo_epi8(r[0], r[1]), low23 = _mm_unpacklo_epi8(r[2], r[3]);
    const __m128i words[3] = {_mm_unpacklo_epi16(low01, low23), _mm_unpackhi_epi16(low01, low23),
                              _mm_unpacklo_epi16(_mm_unpackhi_epi8(r[0], r[1]), _mm_unpackhi_epi8(r[2], r[3]))};
    int8_t* to = target + (int64_t)channel * kWidth;
    MLQ_UNROLL for (int v = 0; v < 2; v++) {
      StoreWord(to + (v * 4 + 0) * tap_pitch, _mm_extract_epi32(words[v], 0));
      StoreWord(to + (v * 4 + 1) * tap_pitch, _mm_extract_epi32(words[v], 1));
      StoreWord(to + (v * 4 + 2) * tap_pitch, _mm_extract_epi32(words[v], 2));
      StoreWord(to + (v * 4 + 3) * tap_pitch, _mm_extract_epi32(words[v], 3));
    }
    StoreWord(to + 8 * tap_pitch, _mm_cvtsi128_si32(words[2]));
  }
  return channel;
}
#endif

// The channels [begin, end) of all taps of one lane, whose weights are [channels][taps]; both are multiples of a step. Nothing from `limit` on is read.
MLQ_INLINE int32_t TurnLane(const Plan& p, const int8_t* row, const int8_t* limit, int begin, int end, Dot::Weight* w) {
  int first = begin;
#if defined(__SSE4_1__)
  if (Dot::kStep == 4 && p.taps == kSquare) {
    first = TurnSquare(row, limit, begin, end, (int64_t)p.channels * kWidth, (int8_t*)(void*)w);
  }
#endif
  (void)limit;
  for (int tap = 0; tap < p.taps; tap++) {
    const int8_t* from = row + (int64_t)first * p.taps + tap;
    Dot::Weight* target = w + ((int64_t)tap * p.channels + first) * kWidth;
    for (int channel = first; channel < end; channel += Dot::kStep, from += Dot::kStep * p.taps, target += kWidth * Dot::kStep) {
      StoreStep(from, p.taps, target);
    }
  }
  return SumOf(row, begin * p.taps, end * p.taps);
}

// Weight k of the products' order.
MLQ_INLINE int8_t WeightAt(const Plan& p, const int8_t* row, bool turn, int k) { return turn ? row[k % p.channels * p.taps + k / p.channels] : row[k]; }

void PackPanel(const Plan& p, const int8_t* rows, int outputs, bool turn, uint8_t* packed) {
  int32_t* corrections = (int32_t*)(void*)packed;
  Dot::Weight* w = (Dot::Weight*)(void*)(packed + kCorrections);
  const bool whole_steps = !turn || p.channels % Dot::kStep == 0;
  const int whole = whole_steps ? p.depth / Dot::kStep : 0;
  const int units = turn ? p.channels : whole;
  const int most = turn ? kPackChannels : kPackSteps;
  int32_t sums[kWidth] = {};
  for (int begin = 0; begin < units && whole > 0; begin += most) {
    const int end = Min(begin + most, units);
    for (int lane = 0; lane < outputs; lane++) {
      const int8_t* row = rows + (int64_t)lane * p.depth;
      sums[lane] += turn ? TurnLane(p, row, rows + (int64_t)outputs * p.depth, begin, end, w + lane * Dot::kStep)
                         : PackLane(row, begin, end, w + ((int64_t)begin * kWidth + lane) * Dot::kStep);
    }
  }
  for (int lane = 0; lane < kWidth; lane++) {
    for (int k = lane < outputs ? whole * Dot::kStep : 0; k < StepsOf(p) * Dot::kStep; k++) {
      const int8_t value = lane < outputs && k < p.depth ? WeightAt(p, rows + (int64_t)lane * p.depth, turn, k) : 0;
      w[((int64_t)(k / Dot::kStep) * kWidth + lane) * Dot::kStep + k % Dot::kStep] = value;
      sums[lane] += value;
    }
    corrections[lane] = (int32_t)((uint32_t)sums[lane] * (uint32_t)Dot::kCodeOffset);  // as the sum that it is added to, right but for multiples of 2^32
  }
}

void BytePack(const mlq_geometry& g, const int8_t* weights, int order, uint8_t* packed, int part, int parts) {
  const Plan p = BytePlan(g);
  const int all = g.groups * p.panels;
  const bool turn = order == MLQ_CHANNELS_FIRST && p.taps > 1 && p.channels > 1;
  for (int i = Share(all, part, parts); i < Share(all, part + 1, parts); i++) {
    const int output = i % p.panels * kWidth;
    const int8_t* rows = weights + ((int64_t)(i / p.panels) * p.outputs + output) * p.depth;
    PackPanel(p, rows, Min(kWidth, p.outputs - output), turn, packed + i * PanelSize(p));
  }
}

}  // namespace

// The entry points of one kernel of an instruction set.
#define MLQ_DEFINE_CONVOLUTION(isa, kernel)                                                                                 \
  extern "C" int64_t mlq_##isa##_##kernel##_packed_size(const mlq_geometry* g) { return BytePackedSize(*g); }               \
  extern "C" void mlq_##isa##_##kernel##_pack(const mlq_geometry* g, const int8_t* weights, int32_t order, void* packed,    \
                                              int32_t part, int32_t parts) {                                                \
    BytePack(*g, weights, order, (uint8_t*)packed, part, parts);                                                            \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_##kernel##_tiles(const mlq_geometry* g) { return BytePlan(*g).tiles; }                     \
  extern "C" void mlq_##isa##_##kernel(const mlq_geometry* g, const uint8_t* source, uint8_t padding, const void* packed,   \
                                       const mlq_epilogue* epilogue, void* destination, int32_t begin, int32_t end) {       \
    ByteRun(ByteCall{*g, source, padding, (const uint8_t*)packed, *epilogue, (uint8_t*)destination}, begin, end);           \
  }

#endif
