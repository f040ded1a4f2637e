#define MLQ_SEVEN_BITS
#include "kernels/simd/avx2.h"

#include "kernels/convolution_byte/entry.h"

MLQ_DEFINE_CONVOLUTION(avx2, convolution_seven)
