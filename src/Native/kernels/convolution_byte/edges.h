// Pixels at an edge of the image have the same taps in padding. Where padding reads code 0, those taps add nothing: such pixels share stripes, which leave the taps out.
#ifndef MLQ_CONVOLUTION_BYTE_EDGES_H
#define MLQ_CONVOLUTION_BYTE_EDGES_H

#include "kernels/convolution/plan.h"

namespace {

constexpr int kNarrowestEdge = 7;   // columns: shorter rows make stripes too small
constexpr int kWidestColumns = 8;    // wider maps: a stripe of few pixels costs more than the taps it leaves out
constexpr int kMostEdges = 12;      // stripes of a tile stay within kMaxStripes

// Whether stripes by edges pay.
MLQ_INLINE bool HasEdges(const mlq_geometry& g) { return (g.pad_height > 0 || g.pad_width > 0) && g.out_width >= kNarrowestEdge; }

// Pixels that a tile should have at least, so that the edges of small maps fill stripes.
MLQ_INLINE int LeastPixels(const mlq_geometry& g) { return HasEdges(g) && g.out_width <= kWidestColumns ? g.out_height * g.out_width : 1; }

// Which edge a window lies at; equal numbers have the same taps of a kernel row or a kernel column in padding. 0: none.
struct EdgeOf {
  const mlq_geometry& g;
  const Windows& w;

  MLQ_INLINE int64_t operator()(int pixel) const {
    const int64_t y = w.y[pixel], x = w.x[pixel];
    if (y < 0 || y + (g.kernel_height - 1) * g.dilation_height >= g.in_height) {
      return y * 4 + 1;
    }
    const bool column = x < 0 || x + (g.kernel_width - 1) * g.dilation_width >= g.in_width;
    return column && g.out_width <= kWidestColumns ? x * 4 + 2 : 0;
  }
};

// The pixels of a tile, those of one edge side by side.
struct EdgeOrder {
  int16_t pixel[kMaxPixels];
  int ends[kMostEdges];  // behind the last pixel of each edge
  int count = 0;

  EdgeOrder(const mlq_geometry& g, const Windows& w, int pixels) {
    const EdgeOf edge = {g, w};
    int64_t edges[kMaxPixels];
    bool taken[kMaxPixels];
    for (int i = 0; i < pixels; i++) {
      edges[i] = edge(i);
      taken[i] = false;
    }
    for (int first = 0, filled = 0; filled < pixels; first++) {
      if (!taken[first]) {
        const bool rest = count == kMostEdges - 1;
        for (int i = first; i < pixels; i++) {
          if (!taken[i] && (rest || edges[i] == edges[first])) {
            taken[i] = true;
            pixel[filled++] = (int16_t)i;
          }
        }
        ends[count++] = filled;
      }
    }
  }

  void Sort(Windows& w) const {
    const Windows old = w;
    for (int i = 0; i < ends[count - 1]; i++) {
      w.offset[i] = old.offset[pixel[i]];
      w.z[i] = old.z[pixel[i]];
      w.y[i] = old.y[pixel[i]];
      w.x[i] = old.x[pixel[i]];
    }
  }
};

// Stripes of windows in that order.
inline int StripesByEdges(const mlq_geometry& g, const Windows& w, const EdgeOrder& order, int most, int taps, int channels, Stripe* stripes) {
  int count = 0;
  for (int edge = 0, begin = 0; edge < order.count; begin = order.ends[edge++]) {
    count += CutStripes(g, w, begin, order.ends[edge], most, taps, channels, true, stripes + count);
  }
  return count;
}

// Takes the runs that lie in padding for every pixel of a stripe out of its table; masks has a bit for each pixel inside, or is null to keep all. starts: where the runs that are left stood.
template <class T>
inline void LeaveOut(Stripe& stripe, const uint32_t* masks, const T** table, int16_t* starts) {
  int left = 0;
  for (int run = 0; run < stripe.segments; run++) {
    if (!masks || masks[run] != 0) {
      for (int r = 0; left < run && r < stripe.rows; r++) {
        table[left * stripe.rows + r] = table[run * stripe.rows + r];
      }
      starts[left++] = (int16_t)run;
    }
  }
  stripe.segments = left;
}

}  // namespace

#endif
