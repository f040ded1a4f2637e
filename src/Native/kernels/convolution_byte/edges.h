// Pixels at an edge of the image have the same taps in padding. Where padding reads code 0, those taps add nothing: such pixels share stripes, which leave the taps out.
#ifndef MLQ_CONVOLUTION_BYTE_EDGES_H
#define MLQ_CONVOLUTION_BYTE_EDGES_H

#include "kernels/convolution/windows.h"

namespace {

constexpr int kNarrowestEdge = 7;   // columns: shorter rows make stripes too small
constexpr int kWidestColumns = 8;   // wider maps: a stripe of few pixels costs more than the taps it leaves out
constexpr int kMostEdges = 12;      // stripes of a tile stay within kMaxStripes
constexpr int kInner = 0;           // the edge of windows that lie inside

// A tile has at most so many runs of lines, each of which has at most one stripe that is not full.
static_assert((kMaxPixels + (kMaxPixels / kWidestColumns + 1) * (Dot::kRows - 1)) / Dot::kRows <= kMaxStripes, "stripes of wide maps");

// Whether stripes by edges pay.
MLQ_INLINE bool HasEdges(const mlq_geometry& g) { return (g.pad_height > 0 || g.pad_width > 0) && g.out_width >= kNarrowestEdge; }

// Whether columns count as edges, too.
MLQ_INLINE bool HasColumns(const mlq_geometry& g) { return g.out_width <= kWidestColumns; }

// Pixels that a tile should have at least, so that the edges of small maps fill stripes.
MLQ_INLINE int LeastPixels(const mlq_geometry& g) { return HasEdges(g) && HasColumns(g) ? g.out_height * g.out_width : 1; }

// At which edge an output row or a column lies; equal numbers have the same taps of a kernel row or a kernel column in padding.
MLQ_INLINE int64_t EdgeOfLine(const mlq_geometry& g, int64_t y) { return y < 0 || y + (g.kernel_height - 1) * g.dilation_height >= g.in_height ? y * 4 + 1 : kInner; }
MLQ_INLINE int64_t EdgeOfColumn(const mlq_geometry& g, int64_t x) { return x < 0 || x + (g.kernel_width - 1) * g.dilation_width >= g.in_width ? x * 4 + 2 : kInner; }

// The pixels of a tile, those of one edge side by side; those inside come first, where stripes read all weights and so fetch all of what follows.
struct EdgeOrder {
  int16_t pixel[kMaxPixels];
  int ends[kMostEdges];  // behind the last pixel of each edge
  int count = 0;

  // Orders the pixels and their windows.
  void Sort(const mlq_geometry& g, Windows& w) {
    count = 1;
    uint8_t edge_of[kMaxPixels];
    int64_t edges[kMostEdges] = {kInner};
    int begins[kMostEdges + 1] = {};
    for (int line = 0, i = 0; line < w.lines; line++) {
      const int64_t of_line = EdgeOfLine(g, w.y[i]);
      for (; i < w.line_end[line]; i++) {
        edge_of[i] = Find(of_line != kInner ? of_line : EdgeOfColumn(g, w.x[i]), edges);
        begins[edge_of[i] + 1]++;
      }
    }
    for (int edge = 0; edge < count; edge++) {
      begins[edge + 1] += begins[edge];
      ends[edge] = begins[edge + 1];
    }
    for (int i = 0; i < w.line_end[w.lines - 1]; i++) {
      pixel[begins[edge_of[i]]++] = (int16_t)i;
    }
    const Windows old = w;
    for (int i = 0; i < ends[count - 1]; i++) {
      w.offset[i] = old.offset[pixel[i]];
      w.z[i] = old.z[pixel[i]];
      w.y[i] = old.y[pixel[i]];
      w.x[i] = old.x[pixel[i]];
    }
  }

 private:
  // Edges beyond the room share the last place.
  MLQ_INLINE uint8_t Find(int64_t edge, int64_t* edges) {
    for (int i = 0; i < count; i++) {
      if (edges[i] == edge) {
        return (uint8_t)i;
      }
    }
    if (count == kMostEdges) {
      return kMostEdges - 1;
    }
    edges[count] = edge;
    return (uint8_t)count++;
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

// Stripes of whole output rows, those at an edge for themselves.
inline int StripesByLines(const mlq_geometry& g, const Windows& w, int most, int taps, int channels, Stripe* stripes) {
  int count = 0;
  for (int line = 0, begin = 0; line < w.lines; begin = w.line_end[line - 1]) {
    const int64_t edge = EdgeOfLine(g, w.y[begin]);
    for (line++; line < w.lines && EdgeOfLine(g, w.y[w.line_end[line - 1]]) == edge; line++) {
    }
    count += CutStripes(g, w, begin, w.line_end[line - 1], most, taps, channels, true, stripes + count);
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
