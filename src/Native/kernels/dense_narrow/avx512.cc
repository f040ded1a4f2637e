#include "kernels/simd/avx512.h"

#include "kernels/dense_narrow/x86.h"

#include "kernels/dense_narrow/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_DENSE_NARROW(avx512)
