// Random sizes and values, the same in every run.
#ifndef MLQ_TESTS_SHAPES_H_
#define MLQ_TESTS_SHAPES_H_

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mlq.h"

inline uint64_t state = 1;

inline uint32_t Random() {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(state >> 33);
}

inline int Pick(int low, int high) { return low + (int)(Random() % (uint32_t)(high - low + 1)); }
inline float PickFloat() { return (float)Pick(-2000, 2000) * 0.001f; }

// Zeroed memory; the test ends with the process, which frees it.
template <class T>
T* New(int64_t count) {
  const size_t bytes = (sizeof(T) * (size_t)(count > 0 ? count : 1) + 63) / 64 * 64;
  void* p = aligned_alloc(64, bytes);
  memset(p, 0, bytes);
  return (T*)p;
}

struct Axis {
  int32_t in, out, kernel, stride, dilation, pad;
};

inline Axis PickAxis(int longest, int kernel) {
  Axis a = {Pick(1, longest), 1, Pick(1, kernel), Pick(1, 2), Pick(1, 2), 0};
  const int reach = (a.kernel - 1) * a.dilation + 1;
  a.pad = Pick(0, reach - 1);
  const int room = a.in + a.pad + Pick(0, reach - 1) - reach;
  a.out = room < 0 ? 1 : room / a.stride + 1;
  return a;
}

inline mlq_geometry PickGeometry(bool depthwise) {
  const Axis d = PickAxis(2, 2), h = PickAxis(7, 3), w = PickAxis(11, 4);
  mlq_geometry g;
  memset(&g, 0, sizeof g);
  g.groups = Pick(0, 3) == 0 ? 2 : 1;
  g.in_channels = g.groups * Pick(1, 40);
  g.out_channels = g.groups * Pick(1, 50);
  if (depthwise) {
    g.groups = g.in_channels = g.out_channels = Pick(2, 70);
  }
  g.batch = Pick(1, 2);
  g.in_depth = d.in, g.out_depth = d.out, g.kernel_depth = d.kernel;
  g.stride_depth = d.stride, g.dilation_depth = d.dilation, g.pad_depth = d.pad;
  g.in_height = h.in, g.out_height = h.out, g.kernel_height = h.kernel;
  g.stride_height = h.stride, g.dilation_height = h.dilation, g.pad_height = h.pad;
  g.in_width = w.in, g.out_width = w.out, g.kernel_width = w.kernel;
  g.stride_width = w.stride, g.dilation_width = w.dilation, g.pad_width = w.pad;
  return g;
}

inline int Taps(const mlq_geometry& g) { return g.kernel_depth * g.kernel_height * g.kernel_width; }
inline int64_t InLength(const mlq_geometry& g) { return (int64_t)g.batch * g.in_depth * g.in_height * g.in_width * g.in_channels; }
inline int64_t Pixels(const mlq_geometry& g) { return (int64_t)g.batch * g.out_depth * g.out_height * g.out_width; }

// Input pixel that a tap of an output pixel reads, or -1 in padding.
inline int64_t InputPixel(const mlq_geometry& g, int64_t pixel, int tap) {
  const int64_t x = pixel % g.out_width * g.stride_width - g.pad_width + tap % g.kernel_width * g.dilation_width;
  const int64_t y = pixel / g.out_width % g.out_height * g.stride_height - g.pad_height + tap / g.kernel_width % g.kernel_height * g.dilation_height;
  const int64_t z = pixel / g.out_width / g.out_height % g.out_depth * g.stride_depth - g.pad_depth + tap / g.kernel_width / g.kernel_height * g.dilation_depth;
  const int64_t image = pixel / g.out_width / g.out_height / g.out_depth;
  const bool inside = x >= 0 && x < g.in_width && y >= 0 && y < g.in_height && z >= 0 && z < g.in_depth;
  return inside ? ((image * g.in_depth + z) * g.in_height + y) * g.in_width + x : -1;
}

#endif  // MLQ_TESTS_SHAPES_H_
