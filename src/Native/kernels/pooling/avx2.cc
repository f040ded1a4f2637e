#include "kernels/simd/avx2.h"

#include "kernels/pooling/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_POOLING(avx2)
