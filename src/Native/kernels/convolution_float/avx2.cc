#include "kernels/simd/avx2.h"

#include "kernels/convolution_float/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION_FLOAT(avx2)
