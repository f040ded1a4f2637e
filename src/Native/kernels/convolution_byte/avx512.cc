#include "kernels/simd/avx512.h"

#include "kernels/convolution_byte/entry.h"
#include "kernels/convolution_seven/choice.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION(avx512, convolution_wide)
MLQ_DEFINE_CONVOLUTION_CHOICE(avx512)
