// Entry points of the integer convolution where the set has two kernels of it: one for any weights, and one for weights of seven bits, which reads
// codes where they lie and asks half as much of the memory of weights. The geometry says which.
#ifndef MLQ_CONVOLUTION_SEVEN_CHOICE_H
#define MLQ_CONVOLUTION_SEVEN_CHOICE_H

#include "mlq.h"

#define MLQ_DECLARE_CONVOLUTION(isa, kernel)                                                                                \
  extern "C" {                                                                                                              \
  int64_t mlq_##isa##_##kernel##_packed_size(const mlq_geometry*);                                                          \
  void mlq_##isa##_##kernel##_pack(const mlq_geometry*, const int8_t*, int32_t, void*, int32_t, int32_t);                   \
  int32_t mlq_##isa##_##kernel##_tiles(const mlq_geometry*);                                                                \
  void mlq_##isa##_##kernel(const mlq_geometry*, const uint8_t*, uint8_t, const void*, const mlq_epilogue*, void*, int32_t, \
                            int32_t);                                                                                       \
  }

#define MLQ_CHOOSE(isa, suffix, ...) \
  (g->weight_bits == 7 ? mlq_##isa##_convolution_seven##suffix : mlq_##isa##_convolution_wide##suffix)(__VA_ARGS__)

#define MLQ_DEFINE_CONVOLUTION_CHOICE(isa)                                                                                  \
  MLQ_DECLARE_CONVOLUTION(isa, convolution_seven)                                                                           \
  MLQ_DECLARE_CONVOLUTION(isa, convolution_wide)                                                                            \
  extern "C" int64_t mlq_##isa##_convolution_byte_packed_size(const mlq_geometry* g) { return MLQ_CHOOSE(isa, _packed_size, g); } \
  extern "C" void mlq_##isa##_convolution_byte_pack(const mlq_geometry* g, const int8_t* weights, int32_t order,            \
                                                    void* packed, int32_t part, int32_t parts) {                            \
    MLQ_CHOOSE(isa, _pack, g, weights, order, packed, part, parts);                                                         \
  }                                                                                                                         \
  extern "C" int32_t mlq_##isa##_convolution_byte_tiles(const mlq_geometry* g) { return MLQ_CHOOSE(isa, _tiles, g); }       \
  extern "C" void mlq_##isa##_convolution_byte(const mlq_geometry* g, const uint8_t* source, uint8_t padding,               \
                                               const void* packed, const mlq_epilogue* epilogue, void* destination,         \
                                               int32_t begin, int32_t end) {                                                \
    MLQ_CHOOSE(isa, , g, source, padding, packed, epilogue, destination, begin, end);                                       \
  }

#endif
