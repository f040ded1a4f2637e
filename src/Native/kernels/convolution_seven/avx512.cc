#define MLQ_SEVEN_BITS
#include "kernels/simd/avx512.h"

#include "kernels/convolution_byte/entry.h"

MLQ_DEFINE_CONVOLUTION(avx512, convolution_seven)
