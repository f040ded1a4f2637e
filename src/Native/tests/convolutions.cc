// Convolutions of floats and bytes, what follows their codes, and weights out of codebooks.
#include "tests.h"

#include "plain.h"

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

namespace {

// A small map most of whose taps at its edges lie in padding.
mlq_geometry PickEdges() {
  mlq_geometry g = {};
  g.batch = Pick(1, 3), g.in_depth = g.out_depth = 1, g.groups = 1;
  g.kernel_depth = g.stride_depth = g.stride_height = g.stride_width = g.dilation_depth = g.dilation_height = g.dilation_width = 1;
  g.kernel_height = g.kernel_width = Pick(0, 3) == 0 ? 5 : 3;
  g.pad_height = g.pad_width = g.kernel_width / 2;
  g.in_height = g.out_height = Pick(1, 9);
  g.in_width = g.out_width = Pick(6, 9);
  g.in_channels = 4 * Pick(1, 9);
  g.out_channels = Pick(1, 70);
  return g;
}

// A map of several tiles, most of whole rows, so that tables of addresses serve more than one.
mlq_geometry PickRows() {
  constexpr int sizes[][2] = {{7, 16}, {8, 14}, {12, 9}, {14, 8}, {16, 7}, {28, 4}, {32, 7}, {36, 3}, {56, 2}};
  const int size = Pick(0, 8), pad = Pick(0, 2) == 0 ? 0 : 1;
  mlq_geometry g = PickEdges();
  g.batch = Pick(1, 2);
  g.kernel_height = g.kernel_width = 3, g.pad_height = g.pad_width = pad;
  g.stride_height = Pick(1, 2);
  g.out_width = sizes[size][0], g.out_height = sizes[size][1] * Pick(1, 6);
  g.in_width = g.out_width + 2 * (1 - pad), g.in_height = (g.out_height - 1) * g.stride_height + 3 - 2 * pad;
  g.groups = Pick(0, 3) == 0 ? 3 : 1;
  g.in_channels = 4 * g.groups * Pick(1, 2), g.out_channels = g.groups * Pick(1, 36);
  return g;
}

mlq_geometry PickByteGeometry(int number) { return number % 5 <= 1 ? PickEdges() : number % 5 == 2 ? PickRows() : PickGeometry(false); }

// Code 0 for every kind of output; another for some.
uint8_t PaddingOf(int number) { return number % 5 == 0 || number % 2 == 0 ? 0 : 117; }

}  // namespace

void TestByte(const mlq_kernel_table& t, const char* set, int number, bool depthwise) {
  mlq_geometry g = depthwise ? PickGeometry(true) : PickByteGeometry(number);
  const uint8_t padding = PaddingOf(number);
  g.weight_bits = !depthwise && number % 3 == 0 ? 7 : 0;
  const int output = number % 4;
  const int64_t outputs = Pixels(g) * g.out_channels;
  const int64_t count = (int64_t)Taps(g) * (g.in_channels / g.groups) * g.out_channels;
  const int size = output == MLQ_OUTPUT_UINT8 ? 1 : output == MLQ_OUTPUT_INT16 ? 2 : 4;
  const bool extreme = number % 5 == 4;
  uint8_t *x = New<uint8_t>(InLength(g)), *expected = New<uint8_t>(outputs * size), *found = New<uint8_t>(outputs * size);
  int8_t* w = New<int8_t>(count);
  for (int64_t i = 0; i < InLength(g); i++) x[i] = (uint8_t)(extreme ? 255 : Pick(0, 255));
  for (int64_t i = 0; i < count; i++) w[i] = (int8_t)(g.weight_bits == 7 ? (extreme ? (number % 2 ? -64 : 64) : Pick(-64, 64)) : extreme ? -128 : Pick(-128, 127));
  const mlq_epilogue e = PickEpilogue(g.out_channels, output);
  for (int64_t i = 0; i < outputs; i++) {
    const int c = (int)(i % g.out_channels);
    Store(e, ByteSum(g, x, padding, w, i / g.out_channels, c, depthwise), c, expected, i);
  }
  if (depthwise) {
    t.depthwise_byte(&g, x, padding, w, &e, found, 0, g.batch * g.out_depth * g.out_height);
  } else {
    void* packed = New<char>(t.convolution_byte_packed_size(&g));
    PackParts(g, w, number, packed, t.convolution_byte_pack);
    const int tiles = t.convolution_byte_tiles(&g);
    t.convolution_byte(&g, x, padding, packed, &e, found, tiles / 2, tiles);
    t.convolution_byte(&g, x, padding, packed, &e, found, 0, tiles / 2);
    mlq_geometry none = g;
    none.batch = 0;
    t.convolution_byte(&none, x, padding, packed, &e, found, 0, t.convolution_byte_tiles(&none));
  }
  Check(expected, found, outputs * size, set, depthwise ? "depthwise byte" : "convolution byte", number);
}

namespace {

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

}  // namespace

void TestJoin(const mlq_kernel_table& t, const char* set, int number) {
  mlq_geometry g = PickByteGeometry(number);
  const uint8_t padding = PaddingOf(number);
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
    Store(e, ByteSum(g, x, padding, w, i / g.out_channels, c, false), c, codes, i);
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
  t.convolution_byte(&g, x, padding, packed, &e, found, 0, t.convolution_byte_tiles(&g));
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
