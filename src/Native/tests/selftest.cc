// Compares every kernel set that this processor can run with plain loops, bit for bit. For processors that .NET does not run on here:
// it is meant for emulators. Usage: mlq_selftest [names of the sets that must be available, and no other]
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlq.h"

namespace {

const char* const kNames[] = {"avx2", "avx512", "avx512vnni", "neon"};
constexpr int kSets = 4;

uint64_t state = 1;

uint32_t Random() {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(state >> 33);
}

int Pick(int low, int high) { return low + (int)(Random() % (uint32_t)(high - low + 1)); }
float PickFloat() { return (float)Pick(-2000, 2000) * 0.001f; }

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

Axis PickAxis(int longest, int kernel) {
  Axis a = {Pick(1, longest), 1, Pick(1, kernel), Pick(1, 2), Pick(1, 2), 0};
  const int reach = (a.kernel - 1) * a.dilation + 1;
  a.pad = Pick(0, reach - 1);
  const int room = a.in + a.pad + Pick(0, reach - 1) - reach;
  a.out = room < 0 ? 1 : room / a.stride + 1;
  return a;
}

mlq_geometry PickGeometry(bool depthwise) {
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

int Taps(const mlq_geometry& g) { return g.kernel_depth * g.kernel_height * g.kernel_width; }
int64_t InLength(const mlq_geometry& g) { return (int64_t)g.batch * g.in_depth * g.in_height * g.in_width * g.in_channels; }
int64_t Pixels(const mlq_geometry& g) { return (int64_t)g.batch * g.out_depth * g.out_height * g.out_width; }

// Input pixel that a tap of an output pixel reads, or -1 in padding.
int64_t InputPixel(const mlq_geometry& g, int64_t pixel, int tap) {
  const int64_t x = pixel % g.out_width * g.stride_width - g.pad_width + tap % g.kernel_width * g.dilation_width;
  const int64_t y = pixel / g.out_width % g.out_height * g.stride_height - g.pad_height + tap / g.kernel_width % g.kernel_height * g.dilation_height;
  const int64_t z = pixel / g.out_width / g.out_height % g.out_depth * g.stride_depth - g.pad_depth + tap / g.kernel_width / g.kernel_height * g.dilation_depth;
  const int64_t image = pixel / g.out_width / g.out_height / g.out_depth;
  const bool inside = x >= 0 && x < g.in_width && y >= 0 && y < g.in_height && z >= 0 && z < g.in_depth;
  return inside ? ((image * g.in_depth + z) * g.in_height + y) * g.in_width + x : -1;
}

float Clamp(float y, float low, float high) { return y < low ? low : y > high ? high : y; }

// Weights of an output: by row of the depth, or strided by channel (depthwise).
struct Weighting {
  int64_t first, step;
};

Weighting WeightsOf(const mlq_geometry& g, int output, bool depthwise) {
  return depthwise ? Weighting{output, g.in_channels} : Weighting{(int64_t)output * Taps(g) * (g.in_channels / g.groups), 1};
}

float FloatChain(const mlq_geometry& g, const float* x, const float* w, int64_t pixel, int output, bool depthwise) {
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

int32_t ByteSum(const mlq_geometry& g, const uint8_t* x, uint8_t padding, const int8_t* w, int64_t pixel, int output, bool depthwise) {
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

int32_t Finish(float t, int32_t zero, int32_t minimum, int32_t maximum) {
  t = Clamp(t, (float)(minimum - zero), (float)(maximum - zero));
  return isnan(t) ? zero : (int32_t)rintf(t) + zero;
}

void Store(const mlq_epilogue& e, int32_t sum, int channel, void* destination, int64_t index) {
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

int failures = 0;

void Check(const void* expected, const void* found, int64_t bytes, const char* set, const char* what, int number) {
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
void PackParts(const mlq_geometry& g, const T* w, int number, void* packed, Pack pack) {
  const bool turn = number % 3 == 1;
  const int parts = 1 + number % 4;
  for (int part = parts - 1; part >= 0; part--) {
    pack(&g, turn ? ChannelsFirst(g, w) : w, turn ? MLQ_CHANNELS_FIRST : MLQ_TAPS_FIRST, packed, part, parts);
  }
}

void TestFloat(const mlq_kernel_table& t, const char* set, int number, bool depthwise) {
  const mlq_geometry g = PickGeometry(depthwise);
  const int64_t outputs = Pixels(g) * g.out_channels;
  const int64_t count = (int64_t)Taps(g) * (g.in_channels / g.groups) * g.out_channels;
  float *x = New<float>(InLength(g)), *w = New<float>(count), *bias = New<float>(g.out_channels);
  float *expected = New<float>(outputs), *found = New<float>(outputs);
  for (int64_t i = 0; i < InLength(g); i++) x[i] = PickFloat();
  for (int64_t i = 0; i < count; i++) w[i] = PickFloat();
  for (int i = 0; i < g.out_channels; i++) bias[i] = PickFloat();
  for (int64_t i = 0; i < outputs; i++) {
    const int c = (int)(i % g.out_channels);
    expected[i] = Clamp(FloatChain(g, x, w, i / g.out_channels, c, depthwise) + bias[c], -1, 4);
  }
  if (depthwise) {
    t.depthwise_float(&g, x, w, bias, -1, 4, found, 0, g.batch * g.out_depth * g.out_height);
  } else {
    void* packed = New<char>(t.convolution_float_packed_size(&g));
    PackParts(g, w, number, packed, t.convolution_float_pack);
    const int tiles = t.convolution_float_tiles(&g);
    t.convolution_float(&g, x, packed, bias, -1, 4, found, tiles / 2, tiles);
    t.convolution_float(&g, x, packed, bias, -1, 4, found, 0, tiles / 2);
  }
  Check(expected, found, outputs * 4, set, depthwise ? "depthwise float" : "convolution float", number);
}

mlq_epilogue PickEpilogue(int channels, int output) {
  int32_t* bias = New<int32_t>(channels);
  float *multipliers = New<float>(channels), *offsets = New<float>(channels);
  const bool wide = output == MLQ_OUTPUT_INT16;
  for (int i = 0; i < channels; i++) {
    bias[i] = Pick(-9000, 9000);
    multipliers[i] = (float)Pick(1, 999) * (wide ? 1e-3f : 2e-6f);
    offsets[i] = PickFloat();
  }
  return {bias, multipliers, offsets, output, wide ? 0 : 100, wide ? -32768 : 1, wide ? 32767 : 250, -3, 90, nullptr};
}

void TestByte(const mlq_kernel_table& t, const char* set, int number, bool depthwise) {
  const mlq_geometry g = PickGeometry(depthwise);
  const int output = number % 4;
  const int64_t outputs = Pixels(g) * g.out_channels;
  const int64_t count = (int64_t)Taps(g) * (g.in_channels / g.groups) * g.out_channels;
  const int size = output == MLQ_OUTPUT_UINT8 ? 1 : output == MLQ_OUTPUT_INT16 ? 2 : 4;
  const bool extreme = number % 5 == 4;
  uint8_t *x = New<uint8_t>(InLength(g)), *expected = New<uint8_t>(outputs * size), *found = New<uint8_t>(outputs * size);
  int8_t* w = New<int8_t>(count);
  for (int64_t i = 0; i < InLength(g); i++) x[i] = (uint8_t)(extreme ? 255 : Pick(0, 255));
  for (int64_t i = 0; i < count; i++) w[i] = (int8_t)(extreme ? -128 : Pick(-128, 127));
  const mlq_epilogue e = PickEpilogue(g.out_channels, output);
  for (int64_t i = 0; i < outputs; i++) {
    const int c = (int)(i % g.out_channels);
    Store(e, ByteSum(g, x, 117, w, i / g.out_channels, c, depthwise), c, expected, i);
  }
  if (depthwise) {
    t.depthwise_byte(&g, x, 117, w, &e, found, 0, g.batch * g.out_depth * g.out_height);
  } else {
    void* packed = New<char>(t.convolution_byte_packed_size(&g));
    PackParts(g, w, number, packed, t.convolution_byte_pack);
    const int tiles = t.convolution_byte_tiles(&g);
    t.convolution_byte(&g, x, 117, packed, &e, found, tiles / 2, tiles);
    t.convolution_byte(&g, x, 117, packed, &e, found, 0, tiles / 2);
  }
  Check(expected, found, outputs * size, set, depthwise ? "depthwise byte" : "convolution byte", number);
}

// What follows a code: the sum, the byte and the bits of planes that a join makes of it.
void JoinOne(const mlq_join& j, const mlq_epilogue& e, int64_t i, const uint8_t* codes, uint8_t* sums, uint8_t* bytes, uint8_t* planes) {
  const bool wide = e.output == MLQ_OUTPUT_INT16;
  auto at = [&](const void* values) -> int32_t { return wide ? ((const int16_t*)values)[i] : ((const uint8_t*)values)[i]; };
  int32_t sum = at(codes);
  if (j.other) {
    const float left = (float)(sum - e.zero_point) * j.own_multiplier, right = (float)(at(j.other) - j.other_zero_point) * j.other_multiplier;
    sum = Finish(left + right, j.zero_point, j.minimum, j.maximum);
  }
  wide ? (void)(((int16_t*)(void*)sums)[i] = (int16_t)sum) : (void)(sums[i] = (uint8_t)sum);
  const float product = (float)(sum - j.zero_point) * j.byte_multiplier;
  bytes[i] = (uint8_t)Finish(product + j.byte_offset, j.byte_zero_point, j.byte_minimum, j.byte_maximum);
  const int channel = (int)(i % j.channels), words = (j.channels + 31) / 32;
  int reached = 0;
  for (int n = 0; n < j.threshold_count; n++) {
    reached += (j.table[n * words * 32 + channel] > sum) != (j.rising[channel / 32] >> channel % 32 & 1);
  }
  for (int plane = 0; plane < j.plane_bits; plane++) {
    planes[((i / j.channels * j.plane_bits + plane) * words + channel / 32) * 4 + channel % 32 / 8] |= (uint8_t)((reached >> plane & 1) << channel % 8);
  }
}

void TestJoin(const mlq_kernel_table& t, const char* set, int number) {
  mlq_geometry g = PickGeometry(false);
  g.in_channels /= g.groups, g.out_channels /= g.groups, g.groups = 1;
  const int output = number % 2 == 0 ? MLQ_OUTPUT_INT16 : MLQ_OUTPUT_UINT8, size = output == MLQ_OUTPUT_INT16 ? 2 : 1;
  const int words = (g.out_channels + 31) / 32;
  const int64_t outputs = Pixels(g) * g.out_channels, count = (int64_t)Taps(g) * g.in_channels * g.out_channels, plane_bytes = Pixels(g) * 2 * words * 4;
  uint8_t *x = New<uint8_t>(InLength(g)), *codes = New<uint8_t>(outputs * size), *other = New<uint8_t>(outputs * size);
  uint8_t *expected = New<uint8_t>(outputs * (size + 1) + plane_bytes), *found = New<uint8_t>(outputs * (size + 1) + plane_bytes);
  int8_t* w = New<int8_t>(count);
  for (int64_t i = 0; i < InLength(g); i++) x[i] = (uint8_t)Pick(0, 255);
  for (int64_t i = 0; i < count; i++) w[i] = (int8_t)Pick(-128, 127);
  for (int64_t i = 0; i < outputs * size; i++) other[i] = (uint8_t)Pick(0, 255);
  int32_t* table = New<int32_t>(3 * words * 32);
  uint32_t* rising = New<uint32_t>(words);
  for (int i = 0; i < 3 * words * 32; i++) table[i] = i % (words * 32) < g.out_channels ? Pick(-300, 300) : INT32_MAX;
  for (int i = 0; i < words * 32; i++) rising[i / 32] |= (uint32_t)(i >= g.out_channels || Pick(0, 1)) << i % 32;
  mlq_epilogue e = PickEpilogue(g.out_channels, output);
  const bool whole = number % 8 >= 4 && output == MLQ_OUTPUT_INT16;  // codes of one scale around 0
  if (whole) {
    const bool narrow = number % 16 < 8;
    e.zero_point = 0, e.minimum = narrow ? Pick(-900, 0) : -INT16_MAX, e.maximum = narrow ? Pick(1, 900) : INT16_MAX;
    for (int i = 0; i < 3 * words * 32; i++) table[i] = table[i] == INT32_MAX ? table[i] : i % 7 == 0 ? Pick(-40000, 40000) : i % 7 == 1 ? INT32_MIN + 1 : table[i];
  }
  for (int64_t i = 0; i < outputs; i++) {
    const int c = (int)(i % g.out_channels);
    Store(e, ByteSum(g, x, 117, w, i / g.out_channels, c, false), c, codes, i);
  }
  const bool wide = output == MLQ_OUTPUT_INT16, adds = number % 3 != 0;
  const int bits = number % 4 == 3 ? 0 : Pick(1, 2);
  const int32_t zero = adds && !wide ? 77 : e.zero_point, least = adds && !wide ? 9 : e.minimum, most = adds && !wide ? 240 : e.maximum;
  mlq_join j = {adds ? other : nullptr, found, found + outputs * size, bits ? found + outputs * (size + 1) : nullptr, table, rising, 0.8f, 0.6f, wide ? 0 : 33,
                zero, least, most, wide ? 0.01f : 0.9f, 3.25f, 100, 7, 250, bits == 0 ? 0 : bits == 1 ? 1 : Pick(1, 3), bits, g.out_channels};
  if (whole) {
    j.own_multiplier = j.other_multiplier = 1;
    j.bytes = nullptr;
    for (int c = 0; c < g.out_channels; c += 3) {  // thresholds that a sum meets
      const int32_t sum = ((const int16_t*)(void*)codes)[c] + (adds ? ((const int16_t*)(void*)other)[c] : 0);
      table[c] = sum < least ? least : sum > most ? most : sum;
    }
  }
  for (int64_t i = 0; i < outputs; i++) {
    JoinOne(j, e, i, codes, expected, expected + outputs * size, expected + outputs * (size + 1));
  }
  if (whole) memset(expected + outputs * size, 0, (size_t)outputs);
  e.join = &j;
  void* packed = New<char>(t.convolution_byte_packed_size(&g));
  PackParts(g, w, number, packed, t.convolution_byte_pack);
  t.convolution_byte(&g, x, 117, packed, &e, found, 0, t.convolution_byte_tiles(&g));
  Check(expected, found, outputs * (size + 1) + plane_bytes, set, "joined convolution", number);
}

// Codes of 4 bits: the products are those of the levels that they look up. Every 64 channels of an ungrouped layer have levels of their own.
void TestCodebook(const mlq_kernel_table& t, const char* set, int number) {
  const mlq_geometry g = PickGeometry(false);
  const int output = number % 4;
  const int64_t outputs = Pixels(g) * g.out_channels;
  const int64_t depth = (int64_t)Taps(g) * (g.in_channels / g.groups);
  const int size = output == MLQ_OUTPUT_UINT8 ? 1 : output == MLQ_OUTPUT_INT16 ? 2 : 4;
  uint8_t *x = New<uint8_t>(InLength(g)), *expected = New<uint8_t>(outputs * size), *found = New<uint8_t>(outputs * size);
  uint8_t* codes = New<uint8_t>(depth * g.out_channels);
  int8_t *w = New<int8_t>(depth * g.out_channels), *levels = New<int8_t>(16 * g.out_channels);
  for (int i = 0; i < 16 * g.out_channels; i++) {
    const bool own = i < 16 || (g.groups == 1 && i / 16 % 64 == 0);
    levels[i] = own ? (int8_t)Pick(-128, 127) : levels[i - 16];
  }
  for (int64_t i = 0; i < InLength(g); i++) x[i] = (uint8_t)Pick(0, 255);
  for (int64_t i = 0; i < depth * g.out_channels; i++) {
    codes[i] = (uint8_t)Pick(0, 15);
    w[i] = levels[i / depth * 16 + codes[i]];
  }
  const mlq_epilogue e = PickEpilogue(g.out_channels, output);
  for (int64_t i = 0; i < outputs; i++) {
    const int c = (int)(i % g.out_channels);
    Store(e, ByteSum(g, x, 117, w, i / g.out_channels, c, false), c, expected, i);
  }
  void* packed = New<char>(t.convolution_codebook_packed_size(&g));
  t.convolution_codebook_pack(&g, codes, levels, packed);
  const int tiles = t.convolution_byte_tiles(&g);
  t.convolution_codebook(&g, x, 117, packed, &e, found, tiles / 2, tiles);
  t.convolution_codebook(&g, x, 117, packed, &e, found, 0, tiles / 2);
  Check(expected, found, outputs * size, set, "convolution codebook", number);
}

void TestPools(const mlq_kernel_table& t, const char* set, int number) {
  const mlq_geometry g = PickGeometry(true);
  const int64_t outputs = Pixels(g) * g.out_channels;
  uint8_t *x = New<uint8_t>(InLength(g)), *largest = New<uint8_t>(outputs), *mean = New<uint8_t>(outputs), *found = New<uint8_t>(outputs);
  for (int64_t i = 0; i < InLength(g); i++) x[i] = (uint8_t)Pick(0, 255);
  const mlq_average a = {1.5f, number % 2, 40, 20, 3, 240};
  for (int64_t i = 0; i < outputs; i++) {
    int32_t sum = 0, inside = 0;
    for (int tap = 0; tap < Taps(g); tap++) {
      const int64_t input = InputPixel(g, i / g.out_channels, tap);
      if (input >= 0) {
        const uint8_t code = x[input * g.in_channels + i % g.out_channels];
        largest[i] = code > largest[i] ? code : largest[i];
        sum += code - a.input_zero_point;
        inside++;
      }
    }
    const float scale = a.multiplier / (float)(a.count_padding ? Taps(g) : inside);
    mean[i] = (uint8_t)Finish((float)sum * scale, a.zero_point, a.minimum, a.maximum);
  }
  const int rows = g.batch * g.out_depth * g.out_height;
  t.max_pool_byte(&g, x, found, 0, rows);
  Check(largest, found, outputs, set, "max pool", number);
  t.average_pool_byte(&g, &a, x, found, 0, rows);
  Check(mean, found, outputs, set, "average pool", number);
  float *reals = New<float>(InLength(g)), *most = New<float>(outputs), *pooled = New<float>(outputs);
  for (int64_t i = 0; i < InLength(g); i++) reals[i] = Pick(0, 9) == 0 ? (Pick(0, 1) ? NAN : -0.0f) : PickFloat();
  for (int64_t i = 0; i < outputs; i++) {
    most[i] = -INFINITY;
    bool first = true;
    for (int tap = 0; tap < Taps(g); tap++) {
      const int64_t input = InputPixel(g, i / g.out_channels, tap);
      if (input >= 0) {
        const float value = reals[input * g.in_channels + i % g.out_channels];
        most[i] = first || value > most[i] ? value : most[i];
        first = false;
      }
    }
  }
  t.max_pool_float(&g, reals, pooled, 0, rows);
  Check(most, pooled, outputs * 4, set, "max pool of floats", number);
}

void TestElements(const mlq_kernel_table& t, const char* set, int count) {
  const mlq_add add = {0.4f, 1.1f, 13, 200, 99, 2, 251};
  float *x = New<float>(count), *reals = New<float>(count), *expected_reals = New<float>(count);
  uint8_t *a = New<uint8_t>(count), *b = New<uint8_t>(count), *found = New<uint8_t>(count), *sum = New<uint8_t>(count), *codes = New<uint8_t>(count);
  for (int i = 0; i < count; i++) {
    x[i] = i % 7 == 3 ? NAN : i % 7 == 5 ? 3e9f : PickFloat() * 9;
    a[i] = (uint8_t)Pick(0, 255);
    b[i] = (uint8_t)Pick(0, 255);
    const float left = (float)(a[i] - 13) * 0.4f;
    const float right = (float)(b[i] - 200) * 1.1f;
    sum[i] = (uint8_t)Finish(left + right, 99, 2, 251);
    codes[i] = (uint8_t)Finish(x[i] / 0.1f, 120, 3, 250);
    expected_reals[i] = (float)(a[i] - 77) * 0.3f;
  }
  t.quantize_float(x, count, 0.1f, 120, 3, 250, found);
  Check(codes, found, count, set, "quantize", count);
  t.add_byte(a, b, count, &add, found);
  Check(sum, found, count, set, "add", count);
  t.dequantize_byte(a, count, 0.3f, 77, reals);
  Check(expected_reals, reals, count * 4, set, "dequantize", count);
}

void TestGrouped(const mlq_kernel_table& t, const char* set, int number) {
  const mlq_grouped g = {Pick(1, 30), Pick(1, number % 7 == 0 ? 400 : 90), Pick(1, 150), number % 3 == 0 ? Pick(1, 300) : Pick(1, 48), Pick(2, 8), number % 2 == 0 ? 16 : 32};
  const int size = g.group_size < g.inputs ? g.group_size : g.inputs, groups = (g.inputs + size - 1) / size;
  const int stride = (size + 15) / 16 * 16, row = (groups - 1) * stride + (g.inputs - (groups - 1) * size + 15) / 16 * 16;
  const int outputs = g.rows * g.outputs, most = (1 << (g.bits - 1)) - 1;
  int8_t *w = New<int8_t>(g.outputs * g.inputs), *x = New<int8_t>(g.rows * row);
  int32_t* sums = New<int32_t>(g.rows * groups);
  float *scales = New<float>(g.outputs * groups), *rows = New<float>(g.rows), *bias = New<float>(g.outputs);
  float *expected = New<float>(outputs), *found = New<float>(outputs);
  for (int i = 0; i < g.outputs * g.inputs; i++) w[i] = (int8_t)(number % 5 == 4 ? -most - 1 : Pick(-most - 1, most));
  for (int i = 0; i < g.outputs * groups; i++) scales[i] = g.scale_bits == 32 ? PickFloat() : (float)Pick(-2000, 2000) * (i % 3 == 0 ? 0x1p-24f : 0x1p-10f);
  for (int i = 0; i < g.outputs; i++) bias[i] = PickFloat();
  for (int r = 0; r < g.rows; r++) {
    rows[r] = PickFloat();
    for (int k = 0; k < g.inputs; k++) {
      const int8_t code = (int8_t)(number % 5 == 4 ? 127 : Pick(-127, 127));
      x[r * row + k / size * stride + k % size] = code;
      sums[r * groups + k / size] += code;
    }
  }
  for (int i = 0; i < outputs; i++) {
    const int r = i / g.outputs, o = i % g.outputs;
    float acc = 0;
    for (int group = 0; group < groups; group++) {
      int32_t dot = 0;
      for (int k = group * size; k < g.inputs && k < (group + 1) * size; k++) dot += w[o * g.inputs + k] * x[r * row + group * stride + k % size];
      acc = fmaf((float)dot, scales[o * groups + group], acc);
    }
    const float scaled = acc * rows[r], y = scaled + bias[o];
    expected[i] = y < -1 ? -1 : y > 2 ? 2 : y;
  }
  void* packed = New<char>(t.grouped_dense_packed_size(&g));
  t.grouped_dense_pack(&g, w, scales, packed);
  const int tiles = t.grouped_dense_tiles(&g);
  t.grouped_dense(&g, x, sums, rows, packed, bias, -1, 2, found, tiles / 2, tiles);
  t.grouped_dense(&g, x, sums, rows, packed, bias, -1, 2, found, 0, tiles / 2);
  Check(expected, found, outputs * 4, set, "grouped dense", number);
  float* reals = New<float>(g.rows * g.inputs);
  for (int i = 0; i < g.rows * g.inputs; i++) reals[i] = PickFloat();
  for (int i = 0; i < outputs; i++) {
    const int r = i / g.outputs, o = i % g.outputs;
    float acc = 0;
    for (int k = 0; k < g.inputs; k++) acc = fmaf(reals[r * g.inputs + k], scales[o * groups + k / size] * (float)w[o * g.inputs + k], acc);
    const float y = acc + bias[o];
    expected[i] = y < -1 ? -1 : y > 2 ? 2 : y;
  }
  const int float_tiles = t.grouped_dense_float_tiles(&g);
  t.grouped_dense_float(&g, reals, packed, bias, -1, 2, found, float_tiles / 2, float_tiles);
  t.grouped_dense_float(&g, reals, packed, bias, -1, 2, found, 0, float_tiles / 2);
  Check(expected, found, outputs * 4, set, "grouped dense of floats", number);
}

void TestNarrow(const mlq_kernel_table& t, const char* set, int number) {
  const int bits = Pick(1, 7), step = Pick(1, 2), inputs = Pick(1, 300), outputs = Pick(1, 150), rows = Pick(1, 8);
  const int stride = (inputs + 31) / 32 * 32, panels = (outputs + 15) / 16, panel_bytes = 128 + stride * 2 * bits;
  const bool extreme = number % 4 == 3;
  int8_t* x = New<int8_t>(rows * stride);
  int32_t *sums = New<int32_t>(rows), *bias = New<int32_t>(outputs), *expected = New<int32_t>(rows * outputs), *found = New<int32_t>(rows * outputs);
  uint8_t* packed = New<uint8_t>(panels * panel_bytes);
  for (int r = 0; r < rows; r++) {
    for (int k = 0; k < inputs; k++) {
      x[r * stride + k] = (int8_t)(extreme ? (r % 2 == 0 ? 127 : -128) : Pick(-128, 127));
      sums[r] += x[r * stride + k] + 128;
    }
  }
  for (int o = 0; o < outputs; o++) {
    const int low = Pick(-64, 0);
    uint8_t* panel = packed + o / 16 * panel_bytes;
    int32_t total = 0;
    bias[o] = Pick(-1000, 1000);
    for (int r = 0; r < rows; r++) expected[r * outputs + o] = bias[o];
    for (int k = 0; k < inputs; k++) {
      const int code = extreme ? (1 << bits) - 1 : Pick(0, (1 << bits) - 1);
      total += code;
      uint8_t* container = panel + 128;
      for (int c = 4, shift = 0; c > 0; c /= 2) {
        if ((bits & c) != 0) {
          container[k / (32 / c) * 64 + o % 16 * 4 + k % 4] |= (uint8_t)(((code >> shift) & ((1 << c) - 1)) << (k % (32 / c) / 4 * c));
          container += stride * 2 * c;
          shift += c;
        }
      }
      for (int r = 0; r < rows; r++) expected[r * outputs + o] += (x[r * stride + k] + 128) * (low + step * code);
    }
    ((int32_t*)(void*)panel)[o % 16] = step * 128 * total;
    ((int32_t*)(void*)panel)[16 + o % 16] = low;
  }
  mlq_epilogue e = {};
  e.bias = bias;
  e.output = MLQ_OUTPUT_INT32;
  mlq_narrow_tile tile = {x, sums, packed, &e, (uint8_t*)found, panel_bytes, rows, stride, panels, 0, outputs, bits, step};
  t.dense_narrow(&tile);
  Check(expected, found, rows * outputs * 4, set, "narrow dense", number);
}

// What a pair of codes in planes contributes; operation and number of weight planes say which kinds they have.
int32_t Count(const mlq_plane_tile& t, const uint32_t* x, const uint8_t* panel, int lane) {
  const int stride = t.operation == MLQ_PLANE_MASKED ? 64 : 32;
  int32_t sum = 0;
  for (int s = 0; s < t.source_bits; s++) {
    for (int w = 0; w < t.weight_planes; w++) {
      int32_t count = 0;
      for (int i = 0; i < t.step_count; i++) {
        const uint32_t a = x[s * t.source_words + t.steps[i].source];
        const uint32_t* words = (const uint32_t*)(const void*)(panel + t.words_begin + w * t.plane_bytes + t.steps[i].weights) + lane;
        const uint32_t met = t.operation == MLQ_PLANE_XOR ? a ^ *words : t.operation == MLQ_PLANE_AND ? a & *words : (a ^ words[stride / 2]) & *words;
        count += __builtin_popcount(met);
      }
      sum += (t.top_is_negative && w == t.weight_planes - 1 ? -count : count) * (1 << (s + w));
    }
  }
  return t.doubles ? 2 * sum : sum;
}

// Writes what one accumulator becomes.
void StorePlaneResult(const mlq_plane_tile& t, int32_t sum, int channel, int64_t pixel, uint8_t* destination) {
  if (t.threshold_count == 0) {
    Store(*t.epilogue, sum, channel, destination, pixel * t.out_channels + channel);
    return;
  }
  sum += t.epilogue->bias[channel];
  int code = 0;
  for (int n = 0; n < t.threshold_count; n++) {
    const int32_t threshold = t.thresholds[n * t.out_channels + channel];
    code += t.directions && t.directions[channel] < 0 ? sum <= threshold : sum >= threshold;
  }
  if (t.plane_bits == 0) {
    destination[pixel * t.out_channels + channel] = (uint8_t)code;
  }
  const int64_t words = (t.out_channels + 31) / 32;
  for (int plane = 0; plane < t.plane_bits; plane++) {
    const int64_t word = (pixel * t.plane_bits + plane) * words + channel / 32;
    destination[word * 4 + channel % 32 / 8] |= (uint8_t)((code >> plane & 1) << channel % 8);
  }
}

void FillPlaneTile(mlq_plane_tile& t, int number) {
  const int words = t.operation == MLQ_PLANE_MASKED ? 64 : 32;
  t.plane_bytes = (int64_t)t.step_count * words * 4;
  t.panel_bytes = t.words_begin + t.weight_planes * t.plane_bytes;
  const int64_t pixel_words = (int64_t)t.source_words * t.source_bits;
  uint32_t* x = New<uint32_t>(t.pixels * pixel_words);
  for (int64_t i = 0; i < t.pixels * pixel_words; i++) x[i] = number % 7 == 6 ? ~0u : Random() ^ Random() << 16;
  uint8_t* w = New<uint8_t>(t.panel_count * t.panel_bytes);
  for (int64_t i = 0; i < t.panel_count * t.panel_bytes; i++) w[i] = number % 7 == 6 && t.operation == MLQ_PLANE_AND ? 255 : (uint8_t)Random();
  mlq_plane_step* steps = New<mlq_plane_step>(t.step_count);
  for (int i = 0; i < t.step_count; i++) steps[i] = {i % t.source_words, (int64_t)(t.step_count - 1 - i) * words * 4};
  int64_t *sources = New<int64_t>(t.pixels), *outputs = New<int64_t>(t.pixels);
  for (int i = 0; i < t.pixels; i++) {
    sources[i] = (t.pixels - 1 - i) * pixel_words;
    outputs[i] = number % 2 == 0 ? i : i ^ (i + 1 < t.pixels || t.pixels % 2 == 0 ? 1 : 0);
  }
  int32_t *constants = New<int32_t>(t.panel_count * 32), *thresholds = New<int32_t>(15 * t.out_channels), *directions = New<int32_t>(t.out_channels);
  for (int i = 0; i < t.panel_count * 32; i++) constants[i] = Pick(-99, 99);
  for (int i = 0; i < 15 * t.out_channels; i++) thresholds[i] = Pick(0, 9) == 0 ? INT32_MIN : Pick(0, 9) == 0 ? INT32_MAX : Pick(-500, 1500);
  for (int i = 0; i < t.out_channels; i++) directions[i] = Pick(0, 1) ? 1 : -1;
  t.source = x, t.panels = w, t.steps = steps, t.sources = sources, t.outputs = outputs, t.constants = constants;
  t.thresholds = thresholds, t.directions = number % 3 == 0 ? NULL : directions;
}

void TestPlanes(const mlq_kernel_table& table, const char* set, int number) {
  mlq_plane_tile t;
  memset(&t, 0, sizeof t);
  t.words_begin = 128 * Pick(1, 3);
  t.step_count = Pick(0, 70);
  t.source_words = Pick(1, 9);
  t.pixels = Pick(1, 40);
  t.out_channels = Pick(1, 90);
  t.channel_end = t.out_channels;
  t.panel_count = (t.out_channels + 31) / 32;
  t.operation = number % 3;
  t.source_bits = Pick(1, 2);
  t.weight_planes = t.operation == MLQ_PLANE_MASKED ? 1 : Pick(1, 2);
  t.doubles = Pick(0, 1);
  t.top_is_negative = t.operation == MLQ_PLANE_AND && Pick(0, 1);
  t.plane_bits = number % 4 == 3 ? Pick(0, 2) : 0;
  t.threshold_count = number % 4 != 3 ? 0 : t.plane_bits == 0 ? Pick(1, 15) : Pick(1, (1 << t.plane_bits) - 1);
  FillPlaneTile(t, number);
  mlq_epilogue e = PickEpilogue(t.out_channels, Pick(0, 3));
  t.epilogue = &e;
  const int64_t bytes = (int64_t)t.pixels * t.out_channels * 4 + (int64_t)t.pixels * t.plane_bits * t.panel_count * 4;
  uint8_t *expected = New<uint8_t>(bytes), *found = New<uint8_t>(bytes);
  for (int p = 0; p < t.pixels; p++) {
    for (int c = 0; c < t.out_channels; c++) {
      const int32_t sum = Count(t, t.source + t.sources[p], t.panels + c / 32 * t.panel_bytes, c % 32) + t.constants[c];
      StorePlaneResult(t, sum, c, t.outputs[p], expected);
    }
  }
  t.destination = found;
  mlq_plane_tile parts[2] = {t, t};
  parts[0].pixels = t.pixels / 2;
  parts[1].pixels -= parts[0].pixels;
  parts[1].sources += parts[0].pixels;
  parts[1].outputs += parts[0].pixels;
  table.plane_tiles(parts, 2);
  Check(expected, found, bytes, set, "planes", number);
}

bool TestSet(int isa) {
  mlq_kernel_table table;
  memset(&table, 0, sizeof table);
  table.struct_size = sizeof table;
  table.abi_version = MLQ_ABI_VERSION + 1;
  if (mlq_get_kernels(isa, &table) != MLQ_ABI_MISMATCH) {
    printf("a table of another version was accepted\n");
    failures++;
  }
  table.abi_version = MLQ_ABI_VERSION;
  const bool available = (mlq_available_isas() >> isa & 1) != 0;
  if ((mlq_get_kernels(isa, &table) == MLQ_OK) != available) {
    printf("%s: availability and table disagree\n", kNames[isa]);
    failures++;
  }
  if (!available) {
    return false;
  }
  state = 1;
  for (int i = 0; i < 60; i++) {
    TestFloat(table, kNames[isa], i, false);
    TestByte(table, kNames[isa], i, false);
    TestCodebook(table, kNames[isa], i);
    TestFloat(table, kNames[isa], i, true);
    TestByte(table, kNames[isa], i, true);
    TestJoin(table, kNames[isa], i);
    TestPools(table, kNames[isa], i);
    TestElements(table, kNames[isa], i);
    TestGrouped(table, kNames[isa], i);
    TestNarrow(table, kNames[isa], i);
    for (int j = 0; j < 4; j++) {
      TestPlanes(table, kNames[isa], 4 * i + j);
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  for (int isa = 0; isa < kSets; isa++) {
    const bool available = TestSet(isa);
    bool expected = argc < 2;
    for (int i = 1; i < argc; i++) {
      expected |= strcmp(argv[i], kNames[isa]) == 0;
    }
    printf("%s: %s\n", kNames[isa], available ? "tested" : "not available");
    if (argc > 1 && available != expected) {
      printf("%s: expected to be %s\n", kNames[isa], expected ? "available" : "absent");
      failures++;
    }
  }
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
