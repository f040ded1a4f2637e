#include "kernels/simd/avx2.h"

#include "kernels/depthwise_byte/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DEPTHWISE_BYTE(avx2, AllByteRows)
