#include "kernels/simd/neon.h"

#include "kernels/depthwise_float/narrow.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DEPTHWISE_FLOAT(neon)
