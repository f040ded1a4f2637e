// Patches of input codes copied into one row of values for each pixel, so that the depth is contiguous.
#ifndef MLQ_GATHER_H
#define MLQ_GATHER_H

#include "kernels/convolution/windows.h"

namespace {

constexpr int kOverrun = 64;  // values behind a piece that may be overwritten: later pieces follow

constexpr int kMaxWholeLines = 64;
constexpr int kShortLine = 32;  // a known length, for lines of stems

// Writes the positions [begin, end) of one patch; pieces arrive in ascending order.
struct PatchWriter {
  int position;  // of the next piece within the whole patch
  int begin, end;
  Dot::Value* row;
  Dot::Value padding;

  MLQ_INLINE void Copy(const uint8_t* source, int count) {
    const int from = Max(begin - position, 0);
    const int to = Min(end - position, count);
    if (from < to) {
      Dot::Convert(source + from, row + (position + from - begin), to - from);
    }
    position += count;
  }

  MLQ_INLINE void Pad(int count) {
    const int from = Max(begin - position, 0);
    const int to = Min(end - position, count);
    for (int i = from; i < to; i++) {
      row[position + i - begin] = padding;
    }
    position += count;
  }
};

struct PatchSource {
  const mlq_geometry& g;
  const uint8_t* source;
  int channels;

  // One kernel row: taps (kd, kh, 0 .. kernel_width).
  void KernelRow(const Windows& w, int p, int kd, int kh, PatchWriter& writer) const {
    const int z = kd * g.dilation_depth;
    const int y = kh * g.dilation_height;
    if ((unsigned)(w.z[p] + z) >= (unsigned)g.in_depth || (unsigned)(w.y[p] + y) >= (unsigned)g.in_height) {
      writer.Pad(g.kernel_width * channels);
      return;
    }
    const int64_t delta = ((int64_t)z * g.in_height + y) * g.in_width * g.in_channels;
    if (g.dilation_width == 1 && g.groups == 1) {
      const int left = Clip(-w.x[p], 0, g.kernel_width);
      const int right = Clip(g.in_width - w.x[p], left, g.kernel_width);
      writer.Pad(left * channels);
      if (right > left) {
        writer.Copy(source + (w.offset[p] + delta + (int64_t)left * g.in_channels), (right - left) * channels);
      }
      writer.Pad((g.kernel_width - right) * channels);
      return;
    }
    for (int kw = 0; kw < g.kernel_width; kw++) {
      const int x = kw * g.dilation_width;
      if ((unsigned)(w.x[p] + x) < (unsigned)g.in_width) {
        writer.Copy(source + (w.offset[p] + delta + (int64_t)x * g.in_channels), channels);
      } else {
        writer.Pad(channels);
      }
    }
  }

  // Positions [begin, end) of the patch of window p, and zeros up to a whole step.
  void Gather(const Windows& w, int p, int begin, int end, uint8_t padding, Dot::Value* row) const {
    PatchWriter writer = {0, begin, end, row, (Dot::Value)(padding - Dot::kCodeOffset)};
    const int kernel_rows = g.kernel_depth * g.kernel_height;
    const int width = g.kernel_width * channels;
    const int first = begin / width;
    writer.position = first * width;
    for (int i = first; i < kernel_rows && writer.position < end; i++) {
      KernelRow(w, p, i / g.kernel_height, i % g.kernel_height, writer);
    }
    FillStep(row, end - begin);
  }

 private:
  static MLQ_INLINE void FillStep(Dot::Value* row, int count) {
    for (; count % Dot::kStep != 0; count++) {
      row[count] = 0;
    }
  }
};

// Whole patches of windows that lie inside the image, where the kernel rows are contiguous: a copy a kernel row.
struct WholePatches {
  const uint8_t* source;
  int lines;   // kernel rows
  int width;   // codes of one
  int padded;  // codes of a patch, up to a whole step
  int32_t last_z, last_y, last_x;    // of a first tap inside; negative where no window fits
  int64_t last_free;                 // offset of a first tap from which reading a vector too far stays inside the image
  int64_t offsets[kMaxWholeLines];  // of the kernel rows from the first tap

  static MLQ_INLINE bool Fits(const mlq_geometry& g) {
    return g.groups == 1 && (g.dilation_width == 1 || g.kernel_width == 1) && g.kernel_depth * g.kernel_height <= kMaxWholeLines;
  }

  WholePatches(const mlq_geometry& g, const uint8_t* codes)
      : source(codes),
        lines(g.kernel_depth * g.kernel_height),
        width(g.kernel_width * g.in_channels),
        padded(CeilDivide(lines * width, Dot::kStep) * Dot::kStep),
        last_z(g.in_depth - 1 - (g.kernel_depth - 1) * g.dilation_depth),
        last_y(g.in_height - 1 - (g.kernel_height - 1) * g.dilation_height),
        last_x(g.in_width - 1 - (g.kernel_width - 1) * g.dilation_width) {
    for (int i = 0; i < lines; i++) {
      const int64_t z = i / g.kernel_height * g.dilation_depth;
      const int64_t y = i % g.kernel_height * g.dilation_height;
      offsets[i] = (z * g.in_height + y) * g.in_width * g.in_channels;
    }
    const int64_t codes_of_all = (int64_t)g.batch * g.in_depth * g.in_height * g.in_width * g.in_channels;
    last_free = codes_of_all - offsets[lines - 1] - width - kOverrun;
  }

  MLQ_INLINE bool IsInside(const Windows& w, int p) const {
    return w.z[p] >= 0 && w.z[p] <= last_z && w.y[p] >= 0 && w.y[p] <= last_y && w.x[p] >= 0 && w.x[p] <= last_x;
  }

  // A window that lies inside.
  MLQ_INLINE void Gather(const Windows& w, int p, Dot::Value* row) const { Gather(source + w.offset[p], offsets, w.offset[p] <= last_free, row); }

  MLQ_INLINE void Gather(const uint8_t* first, const int64_t* lines_at, bool free, Dot::Value* row) const {
    Dot::Value* target = row;
    if (free && width > kShortLine / 2 && width <= kShortLine) {
      for (int i = 0; i < lines; i++, target += width) {
        Dot::ConvertFreely(first + lines_at[i], target, kShortLine);
      }
    } else if (free) {
      for (int i = 0; i < lines; i++, target += width) {
        Dot::ConvertFreely(first + lines_at[i], target, width);
      }
    } else {
      for (int i = 0; i < lines; i++, target += width) {
        Dot::Convert(first + lines_at[i], target, width);
      }
    }
    for (int k = lines * width; k < padded; k++) {
      row[k] = 0;
    }
  }
};

constexpr int kPaddedRoom = 16 << 10;

// The lines that the windows of one output row read, with their padding, so that each window lies inside.
struct PaddedLines {
  alignas(64) uint8_t codes[kPaddedRoom + kOverrun];
  int64_t offsets[kMaxWholeLines];

  // Lines of the windows [begin, end), or false where they find no room.
  bool Fill(const mlq_geometry& g, const WholePatches& whole, const Windows& w, int begin, int end, uint8_t padding) {
    const int first = w.x[begin], count = w.x[end - 1] - first + g.kernel_width;  // pixels of a line
    if ((int64_t)count * g.in_channels > kPaddedRoom / whole.lines) {
      return false;
    }
    const int pitch = count * g.in_channels;
    const int left = Clip(-first, 0, count), right = Clip(g.in_width - first, left, count);
    for (int i = 0; i < whole.lines; i++) {
      uint8_t* line = codes + i * pitch;
      offsets[i] = i * pitch;
      const int z = w.z[begin] + i / g.kernel_height * g.dilation_depth, y = w.y[begin] + i % g.kernel_height * g.dilation_height;
      const bool inside = (unsigned)z < (unsigned)g.in_depth && (unsigned)y < (unsigned)g.in_height && right > left;
      const int from = inside ? left : count, to = inside ? right : count;
      memset(line, padding, (size_t)(from * g.in_channels));
      if (inside) {
        memcpy(line + from * g.in_channels, whole.source + w.offset[begin] + whole.offsets[i] + (int64_t)from * g.in_channels, (size_t)((to - from) * g.in_channels));
      }
      memset(line + to * g.in_channels, padding, (size_t)((count - to) * g.in_channels));
    }
    return true;
  }
};

}  // namespace

#endif
