#include "kernels/simd/avx512.h"

#include "kernels/depthwise_byte/columns.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DEPTHWISE_BYTE(avx512vnni, DepthwiseVnniRows)
