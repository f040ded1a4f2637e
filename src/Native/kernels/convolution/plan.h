// How a convolution is cut into tiles: (group, block of weight panels, block of output pixels), pixels innermost, so that
// a block of panels that fills the second-level cache is used by all pixels before the next one is touched.
#ifndef MLQ_CONVOLUTION_PLAN_H
#define MLQ_CONVOLUTION_PLAN_H

#include "kernels/common.h"

namespace {

constexpr int kTableEntries = 4096;       // pointers of one tile: taps x pixels
constexpr int kSlack = 16;                // behind tables, so that whole vectors may be read and written
constexpr int kCacheLine = 64;
constexpr int64_t kShortAhead = 2048;
constexpr int64_t kWaitingBytes = 256 << 10;
constexpr int kMaxTaps = 128;             // taps of one chunk
constexpr int kMaxPixels = 112;           // pixels of one tile
constexpr int kMaxStripes = 40;           // stripes of one tile
constexpr int kTileAccumulators = 8192;   // of one tile, where the depth is cut into chunks

struct Plan {
  int taps;
  int channels;      // input channels of a group
  int outputs;       // output channels of a group
  int depth;         // taps * channels
  int panels;        // of a group
  int pixels;
  int pixel_blocks;
  int panel_blocks;
  int tiles;
};

struct Tile {
  int group;
  int panel_begin, panel_end;
  int pixel_begin, pixel_end;
};

// Few pixels need several panels at once, so that eight or more chains hide the latency of a multiply-add.
constexpr int PanelsAtOnce(int rows, int vectors) { return rows * vectors * 4 <= 8 ? 4 : rows * vectors * 2 <= 8 ? 2 : 1; }

// max_pixels: what tables or scratch allow; chunked: accumulators of the whole tile are kept; work: products wanted of a tile; least: pixels of a tile at least.
MLQ_INLINE Plan MakePlan(const mlq_geometry& g, int panel_width, int rows, int max_pixels, bool chunked, int64_t work, int least = 1) {
  Plan p;
  p.taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  p.channels = g.in_channels / g.groups;
  p.outputs = g.out_channels / g.groups;
  p.depth = p.taps * p.channels;
  p.panels = CeilDivide(p.outputs, panel_width);
  p.pixels = g.batch * g.out_depth * g.out_height * g.out_width;
  const int64_t depth = Max(p.depth, 1);
  const int64_t stripe = (int64_t)rows * panel_width * depth * Min(p.panels, 2);
  const int most = Max(rows, max_pixels / rows * rows);
  const int wanted = (int)Clip<int64_t>(work / stripe * rows, Min(Max(rows, least), most), most);
  const int block = Max(1, Min(wanted, p.pixels));
  // Few rows read the weights once: such a tile is bound by memory, not by products.
  const int64_t target = block < 4 ? work / 8 : work;
  int64_t panels = Clip<int64_t>(target / ((int64_t)block * panel_width * depth), 1, Max(p.panels, 1));
  if (block < 4) {
    panels = Min<int64_t>((panels + 3) / 4 * 4, Max(p.panels, 1));
  }
  if (chunked) {
    panels = Clip<int64_t>(kTileAccumulators / (block * panel_width), 1, panels);
  }
  p.pixel_blocks = CeilDivide(p.pixels, block);
  p.panel_blocks = CeilDivide(p.panels, (int)panels);
  p.tiles = g.groups * p.panel_blocks * p.pixel_blocks;
  return p;
}

MLQ_INLINE Tile TileAt(const Plan& p, int index) {
  Tile t;
  const int pixel_block = index % p.pixel_blocks;
  const int panel_block = index / p.pixel_blocks % p.panel_blocks;
  t.group = index / p.pixel_blocks / p.panel_blocks;
  t.panel_begin = Share(p.panels, panel_block, p.panel_blocks);
  t.panel_end = Share(p.panels, panel_block + 1, p.panel_blocks);
  t.pixel_begin = Share(p.pixels, pixel_block, p.pixel_blocks);
  t.pixel_end = Share(p.pixels, pixel_block + 1, p.pixel_blocks);
  return t;
}

// Positions of the windows of a tile's output pixels: the coordinates of the first tap and the offset of that tap in values.
struct Windows {
  int64_t offset[kMaxPixels + kSlack];
  int32_t z[kMaxPixels + kSlack], y[kMaxPixels + kSlack], x[kMaxPixels + kSlack];
};

// A bit for each of up to 32 rows.
MLQ_INLINE uint32_t AllRows(int rows) { return rows >= 32 ? ~0u : (1u << rows) - 1; }

// Windows of the pixels [begin, end), output row by output row; group_offset is the first channel of the group.
inline void FindWindows(const mlq_geometry& g, int begin, int end, int group_offset, Windows& w) {
  const int64_t step = (int64_t)g.stride_width * g.in_channels;
  for (int i = 0, count; i < end - begin; i += count) {
    const int column = (begin + i) % g.out_width, line = (begin + i) / g.out_width;
    const int row = line % g.out_height, plane = line / g.out_height % g.out_depth, image = line / g.out_height / g.out_depth;
    count = Min(end - begin - i, g.out_width - column);
    const int z = plane * g.stride_depth - g.pad_depth, y = row * g.stride_height - g.pad_height, x = column * g.stride_width - g.pad_width;
    const int64_t first = ((((int64_t)image * g.in_depth + z) * g.in_height + y) * g.in_width + x) * g.in_channels + group_offset;
    for (int k = 0; k < count; k++) {
      w.z[i + k] = z;
      w.y[i + k] = y;
      w.x[i + k] = x + k * g.stride_width;
      w.offset[i + k] = first + k * step;
    }
  }
}

// A bit for each of up to 32 windows whose tap lies inside along one axis.
MLQ_INLINE uint32_t InsideMask(const int32_t* first, int rows, int tap, int in) {
  const Simd::I shift = Simd::BroadcastInt(tap), end = Simd::BroadcastInt(in), zero = Simd::ZeroInt();
  uint32_t mask = 0;
  for (int r = 0; r < rows; r += Simd::kLanes) {
    const Simd::I at = Simd::AddInt(Simd::LoadInt(first + r), shift);
    mask |= (Simd::GreaterMask(end, at) & ~Simd::GreaterMask(zero, at)) << r;
  }
  return mask & AllRows(rows);
}

// Whether all taps of the windows [begin, end), at most 32, lie inside along one axis.
MLQ_INLINE bool AxisInside(const int32_t* first, int begin, int end, int kernel, int dilation, int in) {
  const int rows = end - begin;
  return (InsideMask(first + begin, rows, 0, in) & InsideMask(first + begin, rows, (kernel - 1) * dilation, in)) == AllRows(rows);
}

// The pixels that one call of a micro kernel does, and the runs of values that it reads of each.
struct Stripe {
  int begin, rows;
  int segments;  // runs of each pixel
  int length;    // values of a run
};

// Where a micro kernel's prefetches go, in bytes from the weights it is at: to the panel behind, which is used next, while this one is multiplied. Each step
// fetches one cache line, so two stripes share the panel out between them. Panels that are read once, or too long to wait in the second-level cache, are fetched a little ahead;
// several panels at once are streams that the processor follows by itself.
MLQ_INLINE int64_t Ahead(const Stripe& stripe, int stripes, int64_t panel_bytes) {
  return stripes == 1 || panel_bytes > kWaitingBytes ? kShortAhead : panel_bytes + (stripe.begin == 0 ? 0 : kCacheLine);
}

// A hint that may point behind the last panel: it reads nothing.
MLQ_INLINE void Prefetch(const void* from, int64_t ahead) { __builtin_prefetch((const void*)((uintptr_t)from + (uintptr_t)ahead), 0, 2); }

// Cuts the windows [begin, end) into stripes of equal size. A stripe that meets no padding reads whole kernel rows as one run where they are contiguous.
inline int CutStripes(const mlq_geometry& g, const Windows& w, int begin, int end, int most, int taps, int channels, bool merge, Stripe* stripes) {
  const int count = CeilDivide(end - begin, most);
  const bool contiguous = merge && g.dilation_width == 1 && g.groups == 1 && g.kernel_width > 1;
  for (int s = 0; s < count; s++) {
    const int from = begin + Share(end - begin, s, count);
    const int to = begin + Share(end - begin, s + 1, count);
    const bool whole = contiguous && AxisInside(w.z, from, to, g.kernel_depth, g.dilation_depth, g.in_depth) &&
                       AxisInside(w.y, from, to, g.kernel_height, g.dilation_height, g.in_height) &&
                       AxisInside(w.x, from, to, g.kernel_width, g.dilation_width, g.in_width);
    const int run = whole ? g.kernel_width : 1;
    stripes[s] = {from, to - from, taps / run, channels * run};
  }
  return count;
}

inline int FindStripes(const mlq_geometry& g, const Windows& w, int pixels, int most, int taps, int channels, bool merge, Stripe* stripes) {
  return CutStripes(g, w, 0, pixels, most, taps, channels, merge, stripes);
}

// One tap, stride 1, no padding: output pixel i reads input pixel i.
MLQ_INLINE bool IsPointwise(const mlq_geometry& g) {
  return g.kernel_depth * g.kernel_height * g.kernel_width == 1 && g.stride_depth * g.stride_height * g.stride_width == 1 &&
         g.in_depth == g.out_depth && g.in_height == g.out_height && g.in_width == g.out_width &&
         (g.pad_depth | g.pad_height | g.pad_width) == 0;
}

// Stripes and table of a tile of a pointwise convolution, without looking at windows; `first` is the address of the tile's first pixel.
template <class T>
inline int PointwiseStripes(const mlq_geometry& g, const T* first, int pixels, int most, int channels, Stripe* stripes, const T** table) {
  const int count = CeilDivide(pixels, most);
  for (int s = 0; s < count; s++) {
    const int begin = Share(pixels, s, count);
    stripes[s] = {begin, Share(pixels, s + 1, count) - begin, 1, channels};
  }
  for (int p = 0; p < pixels; p++) {
    table[p] = first + (int64_t)p * g.in_channels;
  }
  return count;
}

constexpr int kMaskedTaps = 8;  // along one axis: kernels that are larger are masked tap by tap

// Fills table[segment][row] for the taps [first, last) of a stripe, one tap or one kernel row a segment; a tap in padding points
// to `outside` and clears its bit in masks[segment].
template <class T>
inline void FillTable(const mlq_geometry& g, const T* source, const T* outside, const Windows& windows, const Stripe& stripe,
                      int first, int last, const T** table, uint32_t* masks) {
  const int step = (last - first) / stripe.segments;
  const int rows = stripe.rows;
  const int64_t* offset = windows.offset + stripe.begin;
  const uint32_t all = AllRows(rows);
  uint32_t columns[kMaskedTaps];
  for (int kw = 0; kw < Min(g.kernel_width, kMaskedTaps); kw++) {
    columns[kw] = InsideMask(windows.x + stripe.begin, rows, kw * g.dilation_width, g.in_width);
  }
  uint32_t line_mask = 0;
  int line = -1;
  for (int tap = first; tap < last; tap += step, table += rows) {
    const int kw = tap % g.kernel_width, x = kw * g.dilation_width;
    const int y = tap / g.kernel_width % g.kernel_height * g.dilation_height;
    const int z = tap / g.kernel_width / g.kernel_height * g.dilation_depth;
    if (line != tap / g.kernel_width) {
      line = tap / g.kernel_width;
      line_mask = InsideMask(windows.y + stripe.begin, rows, y, g.in_height) & InsideMask(windows.z + stripe.begin, rows, z, g.in_depth);
    }
    const T* shifted = source + (((int64_t)z * g.in_height + y) * g.in_width + x) * g.in_channels;
    const uint32_t mask = line_mask & (kw < kMaskedTaps ? columns[kw] : InsideMask(windows.x + stripe.begin, rows, x, g.in_width));
    if (mask == all) {
      // Whole vectors: what is too many is written again or never read.
      for (int r = 0; r < rows; r += kSlack / 2) {
        for (int i = 0; i < kSlack / 2; i++) {
          table[r + i] = shifted + offset[r + i];
        }
      }
    } else {
      for (int r = 0; r < rows; r++) {
        table[r] = (mask >> r & 1) != 0 ? shifted + offset[r] : outside;
      }
    }
    *masks++ = mask;
  }
}

MLQ_INLINE bool AxisNeverPads(int in, int out, int kernel, int stride, int dilation, int pad) {
  return pad == 0 && (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation < in;
}

MLQ_INLINE bool NeverPads(const mlq_geometry& g) {
  return AxisNeverPads(g.in_depth, g.out_depth, g.kernel_depth, g.stride_depth, g.dilation_depth, g.pad_depth) &&
         AxisNeverPads(g.in_height, g.out_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_height) &&
         AxisNeverPads(g.in_width, g.out_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_width);
}

}  // namespace

#endif
