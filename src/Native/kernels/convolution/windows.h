// The windows of a tile's pixels, the stripes that a micro kernel does at once, and the table of addresses that it reads. What is here is done for each tile anew:
// it counts as soon as a tile takes some microseconds, so positions are stepped and not divided.
#ifndef MLQ_CONVOLUTION_WINDOWS_H
#define MLQ_CONVOLUTION_WINDOWS_H

#include "kernels/convolution/plan.h"

namespace {

// Positions of the windows of a tile's output pixels: the coordinates of the first tap and the offset of that tap in values.
struct Windows {
  int64_t offset[kMaxPixels + kSlack];
  int32_t z[kMaxPixels + kSlack], y[kMaxPixels + kSlack], x[kMaxPixels + kSlack];
  int lines;                      // output rows that the pixels lie in
  int16_t line_end[kMaxPixels];  // behind the last pixel of each
};

// A bit for each of up to 32 rows.
MLQ_INLINE uint32_t AllRows(int rows) { return rows >= 32 ? ~0u : (1u << rows) - 1; }

// An output row, stepped from one to the next.
struct Line {
  int row, plane, image;

  MLQ_INLINE Line(const mlq_geometry& g, int line) : row(line % g.out_height), plane(line / g.out_height % g.out_depth), image(line / g.out_height / g.out_depth) {}

  MLQ_INLINE void Next(const mlq_geometry& g) {
    if (++row == g.out_height) {
      row = 0;
      if (++plane == g.out_depth) {
        plane = 0;
        image++;
      }
    }
  }
};

// Windows of the pixels [begin, end), output row by output row; group_offset is the first channel of the group.
inline void FindWindows(const mlq_geometry& g, int begin, int end, int group_offset, Windows& w) {
  const int64_t step = (int64_t)g.stride_width * g.in_channels;
  Line line(g, begin / g.out_width);
  w.lines = 0;
  for (int i = 0, count, column = begin % g.out_width; i < end - begin; i += count, column = 0, line.Next(g)) {
    count = Min(end - begin - i, g.out_width - column);
    const int z = line.plane * g.stride_depth - g.pad_depth, y = line.row * g.stride_height - g.pad_height, x = column * g.stride_width - g.pad_width;
    const int64_t first = ((((int64_t)line.image * g.in_depth + z) * g.in_height + y) * g.in_width + x) * g.in_channels + group_offset;
    for (int k = 0; k < count; k++) {
      w.z[i + k] = z;
      w.y[i + k] = y;
      w.x[i + k] = x + k * g.stride_width;
      w.offset[i + k] = first + k * step;
    }
    w.line_end[w.lines++] = (int16_t)(i + count);
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
  const bool flat = DepthNeverPads(g), contiguous = merge && g.dilation_width == 1 && g.groups == 1 && g.kernel_width > 1;
  for (int s = 0; s < count; s++) {
    const int from = begin + Share(end - begin, s, count);
    const int to = begin + Share(end - begin, s + 1, count);
    const bool whole = contiguous && (flat || AxisInside(w.z, from, to, g.kernel_depth, g.dilation_depth, g.in_depth)) &&
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

// Which rows of a kernel's taps lie inside for the rows of a stripe, and where: one row of taps after the other.
struct KernelRow {
  int kh, kd;

  MLQ_INLINE KernelRow(const mlq_geometry& g, int row) : kh(row % g.kernel_height), kd(row / g.kernel_height) {}

  MLQ_INLINE void Next(const mlq_geometry& g) {
    if (++kh == g.kernel_height) {
      kh = 0;
      kd++;
    }
  }

  // Values from a window's first tap to this row of taps.
  MLQ_INLINE int64_t Shift(const mlq_geometry& g) const { return ((int64_t)kd * g.dilation_depth * g.in_height + kh * g.dilation_height) * g.in_width * g.in_channels; }

  MLQ_INLINE uint32_t Mask(const mlq_geometry& g, const Windows& w, const Stripe& stripe) const {
    const uint32_t lines = InsideMask(w.y + stripe.begin, stripe.rows, kh * g.dilation_height, g.in_height);
    return DepthNeverPads(g) ? lines : lines & InsideMask(w.z + stripe.begin, stripe.rows, kd * g.dilation_depth, g.in_depth);
  }
};

// All rows of a stripe. Whole vectors: what is too many is written again or never read.
template <class T>
MLQ_INLINE void FillInside(const T* shifted, const int64_t* offset, int rows, const T** table) {
  for (int r = 0; r < rows; r += kSlack / 2) {
    for (int i = 0; i < kSlack / 2; i++) {
      table[r + i] = shifted + offset[r + i];
    }
  }
}

// A stripe that meets no padding, one kernel row a segment.
template <class T>
MLQ_INLINE void FillWhole(const mlq_geometry& g, const T* source, const int64_t* offset, const Stripe& stripe, int first_row, const T** table, uint32_t* masks) {
  KernelRow row(g, first_row);
  for (int i = 0; i < stripe.segments; i++, row.Next(g), table += stripe.rows) {
    FillInside(source + row.Shift(g), offset, stripe.rows, table);
    masks[i] = AllRows(stripe.rows);
  }
}

// Fills table[segment][row] for the taps [first, last) of a stripe, one tap or one kernel row a segment; a tap in padding points
// to `outside` and clears its bit in masks[segment].
template <class T>
inline void FillTable(const mlq_geometry& g, const T* source, const T* outside, const Windows& windows, const Stripe& stripe,
                      int first, int last, const T** table, uint32_t* masks) {
  const int64_t* offset = windows.offset + stripe.begin;
  if (stripe.segments < last - first) {
    FillWhole(g, source, offset, stripe, first / g.kernel_width, table, masks);
    return;
  }
  const uint32_t all = AllRows(stripe.rows);
  uint32_t columns[kMaskedTaps];
  for (int kw = 0; kw < Min(g.kernel_width, kMaskedTaps); kw++) {
    columns[kw] = InsideMask(windows.x + stripe.begin, stripe.rows, kw * g.dilation_width, g.in_width);
  }
  KernelRow row(g, first / g.kernel_width);
  for (int tap = first, kw = first % g.kernel_width; tap < last; kw = 0, row.Next(g)) {
    const uint32_t line = row.Mask(g, windows, stripe);
    const T* shifted = source + row.Shift(g);
    for (; kw < g.kernel_width && tap < last; kw++, tap++, table += stripe.rows) {
      const int x = kw * g.dilation_width;
      const uint32_t mask = line & (kw < kMaskedTaps ? columns[kw] : InsideMask(windows.x + stripe.begin, stripe.rows, x, g.in_width));
      FillInside(shifted + (int64_t)x * g.in_channels, offset, stripe.rows, table);
      for (uint32_t rest = all & ~mask; rest != 0; rest &= rest - 1) {
        table[__builtin_ctz(rest)] = outside;
      }
      *masks++ = mask;
    }
  }
}

}  // namespace

#endif
