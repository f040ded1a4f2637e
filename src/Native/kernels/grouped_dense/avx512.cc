#include "kernels/simd/avx512.h"

#include "kernels/grouped_dense/x86.h"

#include "kernels/entry_points.h"
#include "kernels/grouped_dense/floats.h"

MLQ_DEFINE_GROUPED_DENSE(avx512)
MLQ_DEFINE_GROUPED_DENSE_FLOATS(avx512)
