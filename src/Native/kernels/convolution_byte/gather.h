// Patches of input codes copied into one row of values for each pixel, so that the depth is contiguous.
#ifndef MLQ_GATHER_H
#define MLQ_GATHER_H

#include "kernels/convolution/plan.h"

namespace {

constexpr int kOverrun = 64;  // values behind a piece that may be overwritten: later pieces follow

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

  // The whole patch of window p, all of it inside the image and its kernel rows contiguous.
  void GatherInside(const Windows& w, int p, Dot::Value* row) const {
    const int width = g.kernel_width * channels;
    const uint8_t* plane = source + w.offset[p];
    Dot::Value* target = row;
    for (int kd = 0; kd < g.kernel_depth; kd++, plane += (int64_t)g.dilation_depth * g.in_height * g.in_width * g.in_channels) {
      const uint8_t* line = plane;
      for (int kh = 0; kh < g.kernel_height; kh++, line += (int64_t)g.dilation_height * g.in_width * g.in_channels, target += width) {
        Dot::Convert(line, target, width);
      }
    }
    FillStep(row, (int)(target - row));
  }

  bool IsInside(const Windows& w, int p) const {
    return AxisInside(w.x, p, p + 1, g.kernel_width, g.dilation_width, g.in_width) &&
           AxisInside(w.y, p, p + 1, g.kernel_height, g.dilation_height, g.in_height) &&
           AxisInside(w.z, p, p + 1, g.kernel_depth, g.dilation_depth, g.in_depth);
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

}  // namespace

#endif
