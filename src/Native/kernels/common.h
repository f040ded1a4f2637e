// Small things that every kernel uses. Everything is static or in an anonymous namespace: an inline function shared by
// files of different instruction sets could survive linking in a version that the processor lacks.
#ifndef MLQ_COMMON_H
#define MLQ_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mlq.h"

#define MLQ_INLINE inline __attribute__((always_inline))
#define MLQ_NOINLINE __attribute__((noinline))
#define MLQ_UNROLL _Pragma("GCC unroll 32")

namespace {

template <class T>
MLQ_INLINE T Min(T a, T b) {
  return a < b ? a : b;
}

template <class T>
MLQ_INLINE T Max(T a, T b) {
  return a > b ? a : b;
}

template <class T>
MLQ_INLINE T Clip(T x, T low, T high) {
  return Max(low, Min(x, high));
}

template <class T>
MLQ_INLINE T CeilDivide(T a, T b) {
  return (a + b - 1) / b;
}

// First item of part `index` when `count` items are shared out evenly over `parts`.
MLQ_INLINE int Share(int count, int index, int parts) { return (int)((int64_t)count * index / parts); }

// A few bytes, most often a multiple of 8: sizes known here spare the call.
MLQ_INLINE void CopyFew(void* to, const void* from, int bytes) {
  uint8_t* target = (uint8_t*)to;
  const uint8_t* source = (const uint8_t*)from;
  for (; bytes >= 8; bytes -= 8, target += 8, source += 8) {
    memcpy(target, source, 8);
  }
  for (; bytes > 0; bytes--) {
    *target++ = *source++;
  }
}

}  // namespace

#endif
