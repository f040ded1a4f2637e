#include "kernels/simd/neon.h"

#include "kernels/convolution_float/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION_FLOAT(neon)
