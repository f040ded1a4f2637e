#include "kernels/simd/avx2.h"

#include "kernels/convolution_byte/entry.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION_BYTE(avx2)
