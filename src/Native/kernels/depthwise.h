// How depthwise kernels walk over a row: vectors of channels, runs of neighbouring pixels that share the loaded weights.
#ifndef MLQ_DEPTHWISE_H
#define MLQ_DEPTHWISE_H

#include "kernels/rows.h"

namespace {

constexpr int kLanes = Simd::kLanes;
constexpr int kPixels = 4;  // at once, inside the row

// The last vector of channels starts so that it ends with the last channel; the lanes done twice get the same values.
template <class Body>
MLQ_INLINE void EachVector(int first, int channels, Body body) {
  for (int c = first; c < channels; c += kLanes) {
    body(Min(c, channels - kLanes));
  }
}

// Runs of output columns: body(pixels at once, first column).
template <class Body>
MLQ_INLINE void EachColumn(const mlq_geometry& g, Body body) {
  const Interior inside = InteriorOf(g);
  int x = 0;
  while (x < g.out_width) {
    const bool several = x >= inside.begin && x + kPixels <= inside.end;
    body(several, x);
    x += several ? kPixels : 1;
  }
}

}  // namespace

#endif
