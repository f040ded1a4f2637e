#include "kernels/simd/neon.h"

#include "kernels/convolution_byte/entry.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION(neon, convolution_byte)
