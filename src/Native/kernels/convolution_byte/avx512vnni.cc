#include "kernels/simd/avx512.h"

#include "kernels/convolution_byte/entry.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION(avx512vnni, convolution_byte)
