#include "kernels/simd/avx512.h"

#include "kernels/depthwise_float/narrow.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DEPTHWISE_FLOAT(avx512)
