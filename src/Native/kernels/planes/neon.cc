#include "kernels/simd/neon.h"

#include "kernels/entry_points.h"
#include "kernels/planes/generic.h"

MLQ_DEFINE_PLANES(neon)
