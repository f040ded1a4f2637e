// Packing and the entry points of the integer convolution of signed bytes.
#ifndef MLQ_CONVOLUTION_BYTE_ENTRY_H
#define MLQ_CONVOLUTION_BYTE_ENTRY_H

#include "kernels/convolution_byte/generic.h"

namespace {

constexpr int kPackSteps = 64;  // whose weights lie in the first cache while lane after lane is written

void PackPanel(const Plan& p, const int8_t* rows, int outputs, uint8_t* packed) {
  int32_t* corrections = (int32_t*)(void*)packed;
  Dot::Weight* w = (Dot::Weight*)(void*)(packed + kCorrections);
  const int whole = p.depth / Dot::kStep;
  int32_t sums[kWidth] = {};
  for (int begin = 0; begin < whole; begin += kPackSteps) {
    const int end = Min(begin + kPackSteps, whole);
    for (int lane = 0; lane < outputs; lane++) {
      const int8_t* row = rows + (int64_t)lane * p.depth;
      Dot::Weight* target = w + ((int64_t)begin * kWidth + lane) * Dot::kStep;
      for (int step = begin; step < end; step++, target += kWidth * Dot::kStep) {
        MLQ_UNROLL for (int i = 0; i < Dot::kStep; i++) { target[i] = row[step * Dot::kStep + i]; }
      }
      for (int k = begin * Dot::kStep; k < end * Dot::kStep; k++) {
        sums[lane] += row[k];
      }
    }
  }
  for (int lane = 0; lane < kWidth; lane++) {
    for (int k = lane < outputs ? whole * Dot::kStep : 0; k < StepsOf(p) * Dot::kStep; k++) {
      const int8_t value = lane < outputs && k < p.depth ? rows[(int64_t)lane * p.depth + k] : 0;
      w[((int64_t)(k / Dot::kStep) * kWidth + lane) * Dot::kStep + k % Dot::kStep] = value;
      sums[lane] += value;
    }
    corrections[lane] = sums[lane] * Dot::kCodeOffset;
  }
}

void BytePack(const mlq_geometry& g, const int8_t* weights, uint8_t* packed) {
  const Plan p = BytePlan(g);
  for (int group = 0; group < g.groups; group++) {
    for (int panel = 0; panel < p.panels; panel++) {
      const int output = panel * kWidth;
      PackPanel(p, weights + ((int64_t)group * p.outputs + output) * p.depth, Min(kWidth, p.outputs - output), packed);
      packed += PanelSize(p);
    }
  }
}

}  // namespace

#define MLQ_DEFINE_CONVOLUTION_BYTE(isa)                                                                                    \
  extern "C" int64_t mlq_##isa##_convolution_byte_packed_size(const mlq_geometry* g) { return BytePackedSize(*g); }         \
  extern "C" void mlq_##isa##_convolution_byte_pack(const mlq_geometry* g, const int8_t* weights, void* packed) {           \
    BytePack(*g, weights, (uint8_t*)packed);                                                                                \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_convolution_byte_tiles(const mlq_geometry* g) { return BytePlan(*g).tiles; }               \
  extern "C" void mlq_##isa##_convolution_byte(const mlq_geometry* g, const uint8_t* source, uint8_t padding,               \
                                               const void* packed, const mlq_epilogue* epilogue, void* destination,         \
                                               int32_t begin, int32_t end) {                                                \
    ByteRun(ByteCall{*g, source, padding, (const uint8_t*)packed, *epilogue, (uint8_t*)destination}, begin, end);           \
  }

#endif
