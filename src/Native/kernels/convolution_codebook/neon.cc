#include "kernels/simd/neon.h"

#include "kernels/convolution_codebook/entry.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_CONVOLUTION_CODEBOOK(neon)
