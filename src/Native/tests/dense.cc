// Dense layers with weights in groups and with narrow weights.
#include "tests.h"

#include "plain.h"

void TestGrouped(const mlq_kernel_table& t, const char* set, int number) {
  // Once, a group so deep that sums of whole bytes must be taken in parts.
  const mlq_grouped g = number == 14 ? mlq_grouped{1, 140000, 40, 140000, 4, 16}
                                     : mlq_grouped{Pick(1, 30), Pick(1, number % 7 == 0 ? 400 : 90), Pick(1, 150), number % 3 == 0 ? Pick(1, 300) : Pick(1, 48), Pick(2, 8), number % 2 == 0 ? 16 : 32};
  const int size = g.group_size < g.inputs ? g.group_size : g.inputs, groups = (g.inputs + size - 1) / size;
  const int stride = (size + 15) / 16 * 16, row = (groups - 1) * stride + (g.inputs - (groups - 1) * size + 15) / 16 * 16;
  const int outputs = g.rows * g.outputs, most = (1 << (g.bits - 1)) - 1;
  int8_t *w = New<int8_t>(g.outputs * g.inputs), *x = New<int8_t>(g.rows * row);
  int32_t* sums = New<int32_t>(g.rows * groups);
  float *scales = New<float>(g.outputs * groups), *rows = New<float>(g.rows), *bias = New<float>(g.outputs);
  float *expected = New<float>(outputs), *found = New<float>(outputs);
  for (int i = 0; i < g.outputs * g.inputs; i++) w[i] = (int8_t)(number == 14 ? most : number % 5 == 4 ? -most - 1 : Pick(-most - 1, most));
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
