// Pools and what is done value by value.
#include "tests.h"

#include "plain.h"

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
