#include "kernels/simd/neon.h"

#include "kernels/pooling/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_POOLING(neon)
