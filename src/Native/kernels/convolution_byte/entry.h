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

// The channels [begin, end) of all taps of one lane, whose weights are [channels][taps]; both are multiples of a step. `Taps` is their number where it is known.
template <int Taps>
MLQ_INLINE int32_t TurnLane(const Plan& p, const int8_t* row, int begin, int end, Dot::Weight* w) {
  const int taps = Taps > 0 ? Taps : p.taps;
  for (int tap = 0; tap < taps; tap++) {
    const int8_t* from = row + (int64_t)begin * taps + tap;
    Dot::Weight* target = w + ((int64_t)tap * p.channels + begin) * kWidth;
    for (int channel = begin; channel < end; channel += Dot::kStep, from += Dot::kStep * taps, target += kWidth * Dot::kStep) {
      StoreStep(from, taps, target);
    }
  }
  return SumOf(row, begin * taps, end * taps);
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
      sums[lane] += !turn         ? PackLane(row, begin, end, w + ((int64_t)begin * kWidth + lane) * Dot::kStep)
                    : p.taps == 9 ? TurnLane<9>(p, row, begin, end, w + lane * Dot::kStep)
                                  : TurnLane<0>(p, row, begin, end, w + lane * Dot::kStep);
    }
  }
  for (int lane = 0; lane < kWidth; lane++) {
    for (int k = lane < outputs ? whole * Dot::kStep : 0; k < StepsOf(p) * Dot::kStep; k++) {
      const int8_t value = lane < outputs && k < p.depth ? WeightAt(p, rows + (int64_t)lane * p.depth, turn, k) : 0;
      w[((int64_t)(k / Dot::kStep) * kWidth + lane) * Dot::kStep + k % Dot::kStep] = value;
      sums[lane] += value;
    }
    corrections[lane] = sums[lane] * Dot::kCodeOffset;
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

#define MLQ_DEFINE_CONVOLUTION_BYTE(isa)                                                                                    \
  extern "C" int64_t mlq_##isa##_convolution_byte_packed_size(const mlq_geometry* g) { return BytePackedSize(*g); }         \
  extern "C" void mlq_##isa##_convolution_byte_pack(const mlq_geometry* g, const int8_t* weights, int32_t order,            \
                                                    void* packed, int32_t part, int32_t parts) {                            \
    BytePack(*g, weights, order, (uint8_t*)packed, part, parts);                                                            \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_convolution_byte_tiles(const mlq_geometry* g) { return BytePlan(*g).tiles; }               \
  extern "C" void mlq_##isa##_convolution_byte(const mlq_geometry* g, const uint8_t* source, uint8_t padding,               \
                                               const void* packed, const mlq_epilogue* epilogue, void* destination,         \
                                               int32_t begin, int32_t end) {                                                \
    ByteRun(ByteCall{*g, source, padding, (const uint8_t*)packed, *epilogue, (uint8_t*)destination}, begin, end);           \
  }

#endif
