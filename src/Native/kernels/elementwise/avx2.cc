#include "kernels/simd/avx2.h"

#include "kernels/elementwise/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_ELEMENTWISE(avx2)
