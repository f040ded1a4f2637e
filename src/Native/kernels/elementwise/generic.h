// Element-wise kernels over flat arrays. Whole vectors in place; the last values go through a buffer.
#ifndef MLQ_ELEMENTWISE_H
#define MLQ_ELEMENTWISE_H

#include "kernels/epilogue.h"

namespace {

constexpr int kLanes = Simd::kLanes;

struct QuantizeBody {
  Simd::F scale;
  Tail tail;
  MLQ_INLINE void operator()(const float* source, uint8_t* destination) const {
    Simd::StoreU8(destination, tail(Simd::Div(Simd::Load(source), scale)));
  }
};

struct DequantizeBody {
  Simd::F scale;
  Simd::I zero;
  MLQ_INLINE void operator()(const uint8_t* source, float* destination) const {
    Simd::Store(destination, Simd::Mul(Simd::ToFloat(Simd::SubInt(Simd::LoadU8(source), zero)), scale));
  }
};

template <class S, class D, class Body>
MLQ_INLINE void Map(const S* source, int64_t count, D* destination, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    body(source + i, destination + i);
  }
  if (i < count) {
    S s[kLanes] = {};
    D d[kLanes];
    memcpy(s, source + i, sizeof(S) * (size_t)(count - i));
    body(s, d);
    memcpy(destination + i, d, sizeof(D) * (size_t)(count - i));
  }
}

struct AddBody {
  Simd::F left_multiplier, right_multiplier;
  Simd::I left_zero, right_zero;
  Tail tail;
  MLQ_INLINE void operator()(const uint8_t* left, const uint8_t* right, uint8_t* destination) const {
    const Simd::F a = Simd::Mul(Simd::ToFloat(Simd::SubInt(Simd::LoadU8(left), left_zero)), left_multiplier);
    const Simd::F b = Simd::Mul(Simd::ToFloat(Simd::SubInt(Simd::LoadU8(right), right_zero)), right_multiplier);
    Simd::StoreU8(destination, tail(Simd::Add(a, b)));
  }
};

void AddCodes(const uint8_t* left, const uint8_t* right, int64_t count, const mlq_add& add, uint8_t* destination) {
  const AddBody body = {Simd::Broadcast(add.left_multiplier), Simd::Broadcast(add.right_multiplier),
                        Simd::BroadcastInt(add.left_zero_point), Simd::BroadcastInt(add.right_zero_point),
                        Tail(add.zero_point, add.minimum, add.maximum)};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    body(left + i, right + i, destination + i);
  }
  if (i < count) {
    uint8_t a[kLanes] = {}, b[kLanes] = {}, d[kLanes];
    memcpy(a, left + i, (size_t)(count - i));
    memcpy(b, right + i, (size_t)(count - i));
    body(a, b, d);
    memcpy(destination + i, d, (size_t)(count - i));
  }
}

}  // namespace

#define MLQ_DEFINE_ELEMENTWISE(isa)                                                                                         \
  extern "C" void mlq_##isa##_quantize_float(const float* source, int64_t count, float scale, int32_t zero_point,           \
                                             int32_t minimum, int32_t maximum, uint8_t* destination) {                      \
    Map(source, count, destination, QuantizeBody{Simd::Broadcast(scale), Tail(zero_point, minimum, maximum)});              \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_dequantize_byte(const uint8_t* source, int64_t count, float scale, int32_t zero_point,        \
                                              float* destination) {                                                         \
    Map(source, count, destination, DequantizeBody{Simd::Broadcast(scale), Simd::BroadcastInt(zero_point)});                \
  }                                                                                                                         \
  extern "C" void mlq_##isa##_add_byte(const uint8_t* left, const uint8_t* right, int64_t count, const mlq_add* add,        \
                                       uint8_t* destination) {                                                              \
    AddCodes(left, right, count, *add, destination);                                                                        \
  }

#endif
