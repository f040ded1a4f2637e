#include "kernels/simd/avx512.h"

#include "kernels/entry_points.h"
#include "kernels/planes/generic.h"

MLQ_DEFINE_PLANES(avx512)
