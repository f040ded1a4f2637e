// Plain loops that say what is right, and the comparison with it.
#ifndef MLQ_TESTS_PLAIN_H_
#define MLQ_TESTS_PLAIN_H_

#include <math.h>
#include <stdio.h>

#include "shapes.h"

inline float Clamp(float y, float low, float high) { return y < low ? low : y > high ? high : y; }

// Weights of an output: by row of the depth, or strided by channel (depthwise).
struct Weighting {
  int64_t first, step;
};

inline Weighting WeightsOf(const mlq_geometry& g, int output, bool depthwise) {
  return depthwise ? Weighting{output, g.in_channels} : Weighting{(int64_t)output * Taps(g) * (g.in_channels / g.groups), 1};
}

inline float FloatChain(const mlq_geometry& g, const float* x, const float* w, int64_t pixel, int output, bool depthwise) {
  const int channels = g.in_channels / g.groups;
  const int first = output / (g.out_channels / g.groups) * channels;
  const Weighting at = WeightsOf(g, output, depthwise);
  float sum = 0;
  for (int tap = 0; tap < Taps(g); tap++) {
    const int64_t input = InputPixel(g, pixel, tap);
    for (int c = 0; input >= 0 && c < channels; c++) {
      sum = fmaf(x[input * g.in_channels + first + c], w[at.first + at.step * ((int64_t)tap * channels + c)], sum);
    }
  }
  return sum;
}

inline int32_t ByteSum(const mlq_geometry& g, const uint8_t* x, uint8_t padding, const int8_t* w, int64_t pixel, int output, bool depthwise) {
  const int channels = g.in_channels / g.groups;
  const int first = output / (g.out_channels / g.groups) * channels;
  const Weighting at = WeightsOf(g, output, depthwise);
  int32_t sum = 0;
  for (int tap = 0; tap < Taps(g); tap++) {
    const int64_t input = InputPixel(g, pixel, tap);
    for (int c = 0; c < channels; c++) {
      sum += (input < 0 ? padding : x[input * g.in_channels + first + c]) * w[at.first + at.step * ((int64_t)tap * channels + c)];
    }
  }
  return sum;
}

inline int32_t Finish(float t, int32_t zero, int32_t minimum, int32_t maximum) {
  t = Clamp(t, (float)(minimum - zero), (float)(maximum - zero));
  return isnan(t) ? zero : (int32_t)rintf(t) + zero;
}

inline void Store(const mlq_epilogue& e, int32_t sum, int channel, void* destination, int64_t index) {
  sum += e.bias[channel];
  const float product = (float)sum * e.multipliers[channel];
  const float t = product + e.offsets[channel];
  switch (e.output) {
    case MLQ_OUTPUT_UINT8:
      ((uint8_t*)destination)[index] = (uint8_t)Finish(t, e.zero_point, e.minimum, e.maximum);
      break;
    case MLQ_OUTPUT_INT16:
      ((int16_t*)destination)[index] = (int16_t)Finish(t, e.zero_point, e.minimum, e.maximum);
      break;
    case MLQ_OUTPUT_INT32:
      ((int32_t*)destination)[index] = sum;
      break;
    default:
      ((float*)destination)[index] = Clamp(t, e.low, e.high);
  }
}

inline int failures = 0;

inline void Check(const void* expected, const void* found, int64_t bytes, const char* set, const char* what, int number) {
  if (memcmp(expected, found, (size_t)bytes) != 0) {
    printf("%s: %s, case %d differs\n", set, what, number);
    failures++;
  }
}

// Weights [outputs][taps][channels] in the other order, [outputs][channels][taps].
template <typename T>
T* ChannelsFirst(const mlq_geometry& g, const T* w) {
  const int taps = Taps(g), channels = g.in_channels / g.groups;
  const int64_t depth = (int64_t)taps * channels;
  T* turned = New<T>(depth * g.out_channels);
  for (int64_t i = 0; i < depth * g.out_channels; i++) {
    turned[i / depth * depth + i % channels * taps + i % depth / channels] = w[i];
  }
  return turned;
}

// Packs in either order of weights, whole or in parts, the last one first.
template <typename T, typename Pack>
inline void PackParts(const mlq_geometry& g, const T* w, int number, void* packed, Pack pack) {
  const bool turn = number % 3 == 1;
  const int parts = 1 + number % 4;
  for (int part = parts - 1; part >= 0; part--) {
    pack(&g, turn ? ChannelsFirst(g, w) : w, turn ? MLQ_CHANNELS_FIRST : MLQ_TAPS_FIRST, packed, part, parts);
  }
}

inline mlq_epilogue PickEpilogue(int channels, int output) {
  int32_t* bias = New<int32_t>(channels);
  float *multipliers = New<float>(channels), *offsets = New<float>(channels);
  const bool wide = output == MLQ_OUTPUT_INT16, step = output == MLQ_OUTPUT_UINT8 && Pick(0, 3) == 0;
  for (int i = 0; i < channels; i++) {
    bias[i] = Pick(-9000, 9000);
    multipliers[i] = (float)Pick(1, 999) * (wide ? 1e-3f : 2e-6f);
    offsets[i] = PickFloat();
    if (step) {  // a single threshold: codes 0 and 2, or those at the ends
      multipliers[i] = Pick(0, 1) ? 1.0f : -1.0f;
      offsets[i] = 1.5f - (float)Pick(-40000, 40000);
    }
  }
  const int least = Pick(0, 1) ? -INT16_MAX : INT16_MIN;  // the lowest code has no step of its own
  return {bias, multipliers, offsets, output, wide ? 0 : 100, wide ? least : 1, wide ? INT16_MAX : 250, -3, 90, nullptr};
}

#endif  // MLQ_TESTS_PLAIN_H_
