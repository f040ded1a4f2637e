#include "kernels/simd/avx512.h"

#include "kernels/elementwise/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_ELEMENTWISE(avx512)
