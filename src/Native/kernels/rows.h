// Output rows of channelwise operations: a tile is one row of one plane of one image.
#ifndef MLQ_ROWS_H
#define MLQ_ROWS_H

#include "kernels/common.h"

namespace {

struct Row {
  int image, z, y;  // coordinates of the first tap
  int64_t output;   // index of the row's first output pixel
};

MLQ_INLINE Row RowAt(const mlq_geometry& g, int index) {
  Row r;
  r.y = index % g.out_height * g.stride_height - g.pad_height;
  r.z = index / g.out_height % g.out_depth * g.stride_depth - g.pad_depth;
  r.image = index / g.out_height / g.out_depth;
  r.output = (int64_t)index * g.out_width;
  return r;
}

// Index of the first input pixel of the row that (kd, kh) reads, or -1 in padding.
MLQ_INLINE int64_t InputRow(const mlq_geometry& g, const Row& r, int kd, int kh) {
  const int z = r.z + kd * g.dilation_depth;
  const int y = r.y + kh * g.dilation_height;
  if ((unsigned)z >= (unsigned)g.in_depth || (unsigned)y >= (unsigned)g.in_height) {
    return -1;
  }
  return (((int64_t)r.image * g.in_depth + z) * g.in_height + y) * g.in_width;
}

// Output columns [begin, end) whose windows have every tap inside the row.
struct Interior {
  int begin, end;
};

MLQ_INLINE Interior InteriorOf(const mlq_geometry& g) {
  const int reach = (g.kernel_width - 1) * g.dilation_width;
  const int room = g.in_width - 1 - reach + g.pad_width;
  Interior i;
  i.end = room < 0 ? 0 : Min(g.out_width, room / g.stride_width + 1);
  i.begin = Min(CeilDivide(g.pad_width, g.stride_width), i.end);
  return i;
}

}  // namespace

#endif
