// Products of codes in bit planes.
#include "tests.h"

#include "plain.h"

namespace {

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

}  // namespace

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
