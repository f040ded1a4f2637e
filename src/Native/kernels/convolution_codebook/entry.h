// The integer convolution whose weights are codes of 4 bits that look up levels: packing and entry points. The products are those of signed bytes.
#ifndef MLQ_CONVOLUTION_CODEBOOK_ENTRY_H
#define MLQ_CONVOLUTION_CODEBOOK_ENTRY_H

#define MLQ_PANEL "kernels/convolution_codebook/panel.h"
#include "kernels/convolution_byte/generic.h"

namespace {

// Values behind the depth are 0, so that any code will do for them.
void PackCodes(const Plan& p, const uint8_t* rows, const int8_t* levels, int outputs, uint8_t* packed) {
  memset(packed, 0, (size_t)PanelSize(p));
  int32_t* corrections = (int32_t*)(void*)packed;
  memcpy(packed + kCorrections, levels, kMostLevels);
  uint8_t* steps = packed + kCorrections + Panel::kLevelBytes;
  for (int lane = 0; lane < outputs; lane++) {
    const int v = lane / Simd::kLanes;
    uint8_t* target = steps + v / 2 * Panel::kValues + lane % Simd::kLanes * Dot::kStep;
    int32_t sum = 0;
    for (int k = 0; k < p.depth; k++) {
      const uint8_t code = rows[(int64_t)lane * p.depth + k];
      target[(int64_t)(k / Dot::kStep) * Panel::kStepBytes + k % Dot::kStep] |= (uint8_t)(code << (v % 2 * 4));
      sum += levels[code];
    }
    corrections[lane] = (int32_t)((uint32_t)sum * (uint32_t)Dot::kCodeOffset);
  }
}

void CodebookPack(const mlq_geometry& g, const uint8_t* codes, const int8_t* levels, uint8_t* packed) {
  const Plan p = BytePlan(g);
  for (int group = 0; group < g.groups; group++) {
    for (int panel = 0; panel < p.panels; panel++) {
      const int64_t output = (int64_t)group * p.outputs + panel * kWidth;
      PackCodes(p, codes + output * p.depth, levels + output * kMostLevels, Min(kWidth, p.outputs - panel * kWidth), packed);
      packed += PanelSize(p);
    }
  }
}

}  // namespace

#define MLQ_DEFINE_CONVOLUTION_CODEBOOK(isa)                                                                                \
  extern "C" int64_t mlq_##isa##_convolution_codebook_packed_size(const mlq_geometry* g) { return BytePackedSize(*g); }     \
  extern "C" void mlq_##isa##_convolution_codebook_pack(const mlq_geometry* g, const uint8_t* codes, const int8_t* levels,  \
                                                        void* packed) {                                                     \
    CodebookPack(*g, codes, levels, (uint8_t*)packed);                                                                      \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_convolution_codebook(const mlq_geometry* g, const uint8_t* source, uint8_t padding,           \
                                                   const void* packed, const mlq_epilogue* epilogue, void* destination,     \
                                                   int32_t begin, int32_t end) {                                            \
    ByteRun(ByteCall{*g, source, padding, (const uint8_t*)packed, *epilogue, (uint8_t*)destination}, begin, end);           \
  }

#endif
