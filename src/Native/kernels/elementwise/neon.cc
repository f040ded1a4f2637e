#include "kernels/simd/neon.h"

#include "kernels/elementwise/generic.h"
#include "kernels/entry_points.h"

MLQ_DEFINE_ELEMENTWISE(neon)
