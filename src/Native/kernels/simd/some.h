// Parts of vectors by way of a buffer, for instruction sets without masks.
#ifndef MLQ_SIMD_SOME_H
#define MLQ_SIMD_SOME_H

namespace {

// The first `count` codes; nothing behind them is touched, and other lanes are 0.
struct Some {
  static constexpr int kLanes = Simd::kLanes;

  static MLQ_INLINE Simd::I LoadU8(const uint8_t* p, int count) {
    uint8_t buffer[2 * kLanes] = {};
    CopyFew(buffer, p, count);
    return Simd::LoadU8(buffer);
  }
  static MLQ_INLINE Simd::I LoadS16(const int16_t* p, int count) {
    int16_t buffer[kLanes] = {};
    CopyFew(buffer, p, 2 * count);
    return Simd::LoadS16(buffer);
  }
  static MLQ_INLINE Simd::H LoadHalves(const int16_t* p, int count) {
    int16_t buffer[2 * kLanes] = {};
    CopyFew(buffer, p, 2 * count);
    return Simd::LoadHalves(buffer);
  }
  static MLQ_INLINE void StoreU8(uint8_t* p, Simd::I v, int count) {
    uint8_t buffer[2 * kLanes];
    Simd::StoreU8(buffer, v);
    CopyFew(p, buffer, count);
  }
  static MLQ_INLINE void StoreS16(int16_t* p, Simd::I v, int count) {
    int16_t buffer[kLanes];
    Simd::StoreS16(buffer, v);
    CopyFew(p, buffer, 2 * count);
  }
  static MLQ_INLINE void StoreHalves(int16_t* p, Simd::H v, int count) {
    int16_t buffer[2 * kLanes];
    Simd::StoreHalves(buffer, v);
    CopyFew(p, buffer, 2 * count);
  }
};

}  // namespace

#endif
