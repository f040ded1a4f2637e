// Names of the kernels of each instruction set: mlq_<isa>_<kernel>. Internal to the library, hidden from outside.
#ifndef MLQ_ENTRY_POINTS_H
#define MLQ_ENTRY_POINTS_H

#include "mlq.h"

#define MLQ_DECLARE_AVX2(name, result, parameters) result mlq_avx2_##name parameters;
#define MLQ_DECLARE_AVX512(name, result, parameters) result mlq_avx512_##name parameters;
#define MLQ_DECLARE_AVX512VNNI(name, result, parameters) result mlq_avx512vnni_##name parameters;
#define MLQ_DECLARE_AVX512POPCNT(name, result, parameters) result mlq_avx512popcnt_##name parameters;
#define MLQ_DECLARE_NEON(name, result, parameters) result mlq_neon_##name parameters;

// What the VNNI set has of its own; the rest of its table is the AVX-512 set's.
#define MLQ_KERNELS_VNNI(X)         \
  X(convolution_byte_packed_size, , ) \
  X(convolution_byte_pack, , )        \
  X(convolution_byte_tiles, , )       \
  X(convolution_byte, , )             \
  X(convolution_codebook_packed_size, , ) \
  X(convolution_codebook_pack, , )    \
  X(convolution_codebook, , )         \
  X(depthwise_byte, , )               \
  X(grouped_dense_packed_size, , )    \
  X(grouped_dense_pack, , )           \
  X(grouped_dense_tiles, , )          \
  X(grouped_dense, , )                \
  X(dense_narrow, , )

// What the VNNI set takes instead where the processor counts bits in vectors.
#define MLQ_KERNELS_POPCNT(X) X(plane_tiles, , )

extern "C" {
MLQ_KERNELS(MLQ_DECLARE_AVX2)
MLQ_KERNELS(MLQ_DECLARE_AVX512)
MLQ_KERNELS(MLQ_DECLARE_AVX512VNNI)
MLQ_KERNELS(MLQ_DECLARE_AVX512POPCNT)
MLQ_KERNELS(MLQ_DECLARE_NEON)
}

#endif
