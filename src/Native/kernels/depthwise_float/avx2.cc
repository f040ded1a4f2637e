#include "kernels/simd/avx2.h"

#include "kernels/depthwise_float/narrow.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DEPTHWISE_FLOAT(avx2)
