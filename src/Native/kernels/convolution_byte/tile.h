// Integer convolution as an outer product over panels of weights: a lane is an output, a step multiplies the kStep values
// of a 32-bit word. Packed weights: [group][panel]{ correction int32[width], levels, [steps][width][kStep] }; how the weights of a step lie and
// come into registers is `Panel`: as the products take them, or as codes that look up levels.
// Codes are read where they lie (direct) when the instruction set multiplies bytes and the channels fill whole
// steps; otherwise the patches of a tile are gathered first, in chunks of the depth.
#ifndef MLQ_CONVOLUTION_BYTE_TILE_H
#define MLQ_CONVOLUTION_BYTE_TILE_H

#include "kernels/convolution_byte/edges.h"
#include "kernels/epilogue.h"

namespace {

constexpr int kWidth = Simd::kLanes * Simd::kVectors;
constexpr int64_t kCorrections = kWidth * (int64_t)sizeof(int32_t);  // bytes of a panel before its levels and weights
}  // namespace

#ifdef MLQ_PANEL
#include MLQ_PANEL
#else
#include "kernels/convolution_byte/panel.h"
#endif

#include "kernels/convolution_byte/micro.h"

namespace {

constexpr int kChunk = 1024;          // depth of one chunk of gathered patches; a multiple of every kStep
constexpr int kScratch = 48 * 1024;   // values gathered at once
constexpr int kPadRow = 4096;         // channels of the row that padding reads
constexpr int64_t kByteWork = 4 << 20;
constexpr int64_t kLargestProduct = 255 * 128;

bool IsDirect(const mlq_geometry& g) {
  const int channels = g.in_channels / g.groups;
  const int taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  return Dot::kDirect && channels % Dot::kStep == 0 && taps <= kMaxTaps && (channels <= kPadRow || NeverPads(g));
}

Plan BytePlan(const mlq_geometry& g) {
  const int taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  const int depth = taps * (g.in_channels / g.groups);
  if (IsDirect(g)) {
    return MakePlan(g, kWidth, Dot::kRows, Min(kMaxPixels, kTableEntries / Max(taps, 1)), false, kByteWork, LeastPixels(g));
  }
  const int row = (Min(depth, kChunk) + Dot::kStep - 1) / Dot::kStep * Dot::kStep;
  return MakePlan(g, kWidth, Dot::kRows, Min(kMaxPixels, kScratch / Max(row, 1)), depth > kChunk, kByteWork);
}

struct ByteCall {
  const mlq_geometry& g;
  const uint8_t* source;
  uint8_t padding;
  const uint8_t* weights;
  const mlq_epilogue& epilogue;
  uint8_t* destination;
};

int StepsOf(const Plan& plan) { return CeilDivide(plan.depth, Dot::kStep); }

int64_t PanelSize(const Plan& plan) { return kCorrections + Panel::kLevelBytes + (int64_t)StepsOf(plan) * Panel::kStepBytes; }

// The work of one tile: which pixels and panels, and where each pixel's values are.
struct ByteTile {
  const ByteCall& call;
  const Plan& plan;
  Tile tile = {};
  int pixels = 0;
  int stripes = 0;
  bool chunked;
  Stripe stripe[kMaxStripes];  // lengths in values
  Windows windows;
  const EdgeOrder* order = nullptr;  // of the pixels, where it is not theirs
  const Dot::Value* table[kTableEntries + kSlack];
  int16_t starts[kTableEntries];
  alignas(64) int32_t accumulators[kTileAccumulators];

  ByteTile(const ByteCall& c, const Plan& p, bool is_chunked) : call(c), plan(p), chunked(is_chunked) {
    memset(starts, 0, sizeof(int16_t) * kMaxPixels);  // one run of each pixel
  }

  MLQ_INLINE void Take(const Tile& t) {
    tile = t;
    pixels = t.pixel_end - t.pixel_begin;
  }

  void Locate() { FindWindows(call.g, tile.pixel_begin, tile.pixel_end, tile.group * plan.channels, windows); }

  // All panels over the values that `table` holds, `pitch` entries a pixel, from step `first_step` of the depth on.
  void Multiply(int pitch, int first_step, bool last) {
    const int at_once = stripes == 1 ? PanelsAtOnce(pixels, Simd::kVectors) : 1;
    for (int panel = tile.panel_begin; panel < tile.panel_end;) {
      const int count = tile.panel_end - panel >= at_once ? at_once : 1;
      int32_t* acc = accumulators + (chunked ? (panel - tile.panel_begin) * pixels * kWidth : 0);
      if (count > 1) {
        Micro(panel, stripe[0], kSeveral, pitch, first_step, acc, {nullptr, nullptr, 0});
        for (int i = 0; last && i < count; i++) {
          FinisherOf(panel + i).RunJoined(acc + i * pixels * kWidth, pixels, tile.pixel_begin, Target(panel + i, 0), Pitch());
        }
      } else {
        OnePanel(panel, pitch, first_step, last, acc);
      }
      panel += count;
    }
  }

 private:
  void OnePanel(int panel, int pitch, int first_step, bool last, int32_t* accumulators_of_panel) const {
    const Finisher finisher = FinisherOf(panel);
    const Variant variant = plan.outputs - panel * kWidth <= kWidth / 2 ? kHalf : kOne;
    for (int s = 0; s < stripes; s++) {
      int32_t* acc = accumulators_of_panel + (chunked ? stripe[s].begin * kWidth : 0);
      const bool direct = last && variant == kOne && finisher.TakesRegisters() && IsRun(stripe[s]);
      const int pixel = order ? order->pixel[stripe[s].begin] : stripe[s].begin;
      Micro(panel, stripe[s], variant, pitch, first_step, acc, {direct ? &finisher : nullptr, Target(panel, pixel), Pitch()});
      if (last && !direct) {
        Finish(finisher, panel, stripe[s], acc);
      }
    }
  }

  bool IsRun(const Stripe& p) const { return !order || order->pixel[p.begin + p.rows - 1] == order->pixel[p.begin] + p.rows - 1; }

  // Neighbouring pixels at once.
  void Finish(const Finisher& finisher, int panel, const Stripe& p, const int32_t* acc) const {
    for (int row = 0, count; row < p.rows; row += count) {
      const int pixel = order ? order->pixel[p.begin + row] : p.begin;
      count = order ? 1 : p.rows;
      while (order && row + count < p.rows && order->pixel[p.begin + row + count] == pixel + count) {
        count++;
      }
      finisher.RunJoined(acc + row * kWidth, count, tile.pixel_begin + pixel, Target(panel, pixel), Pitch());
    }
  }

  MLQ_INLINE const uint8_t* Packed(int panel) const {
    return call.weights + ((int64_t)tile.group * plan.panels + panel) * PanelSize(plan);
  }

  MLQ_INLINE void Micro(int panel, const Stripe& p, Variant variant, int pitch, int first_step, int32_t* acc, const Ending& ending) const {
    const int at = p.begin * pitch;
    const Runs runs = {table + at, starts + at, p.segments, CeilDivide(p.length, Dot::kStep)};
    const int64_t offset = kCorrections + Panel::kLevelBytes + (int64_t)first_step * Panel::kStepBytes;
    kByteMicros.of[p.rows][variant](runs, Packed(panel), offset, PanelSize(plan), Ahead(p, stripes, PanelSize(plan)), acc, first_step > 0, ending);
  }

  Finisher FinisherOf(int panel) const {
    const int output = panel * kWidth;
    return Finisher(call.epilogue, tile.group * plan.outputs + output, Min(kWidth, plan.outputs - output), (const int32_t*)(const void*)Packed(panel), plan.depth * kLargestProduct);
  }

  MLQ_INLINE uint8_t* Target(int panel, int pixel) const {
    const int64_t index = (int64_t)(tile.pixel_begin + pixel) * call.g.out_channels + tile.group * plan.outputs + panel * kWidth;
    return call.destination + index * OutputSize(call.epilogue.output);
  }

  MLQ_INLINE int64_t Pitch() const { return (int64_t)call.g.out_channels * OutputSize(call.epilogue.output); }
};

}  // namespace

#endif
