#include "kernels/simd/avx2.h"

#include "kernels/convolution_byte/entry.h"
#include "kernels/convolution_seven/choice.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION(avx2, convolution_wide)
MLQ_DEFINE_CONVOLUTION_CHOICE(avx2)
