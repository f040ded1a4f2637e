#include "kernels/simd/avx2.h"

#include "kernels/convolution_codebook/entry.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION_CODEBOOK(avx2)
