// Weights of a panel as the products take them: [steps][width][kStep].
#ifndef MLQ_CONVOLUTION_BYTE_PANEL_H
#define MLQ_CONVOLUTION_BYTE_PANEL_H

namespace {

struct Panel {
  static constexpr int kLevelBytes = 0;
  static constexpr int kStepBytes = kWidth * Dot::kStep * (int)sizeof(Dot::Weight);

  struct Levels {
    MLQ_INLINE void Read(const uint8_t*) {}
  };

  // Vector v of the step at `step`.
  static MLQ_INLINE Simd::I Load(const uint8_t* step, int v, const Levels&) {
    return Simd::LoadInt((const int32_t*)(const void*)(step + v * Simd::kLanes * Dot::kStep * (int)sizeof(Dot::Weight)));
  }
};

}  // namespace

#endif
