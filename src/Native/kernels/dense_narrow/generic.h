// Dense layer of few rows with weights of 1 to 7 bits that stay narrow in memory: a lane is an output. Codes are cut into containers of 4, 2 and
// 1 bits (7 bits: all three), lowest bits first. Packed (C#, NarrowWeights): [panel of 16 outputs]{ base int32[16], low int32[16], a container after the
// other: [blocks][64 bytes] }. A block serves 32 / bits inputs; bits [p * bits, (p + 1) * bits) of byte i of an output's four belong to its input 4 * p + i.
// With x the codes of a row less 128 and c the codes of the weights: sum = step * (Σ c * x) + base + low * (Σ of the row's codes).
#ifndef MLQ_DENSE_NARROW_H
#define MLQ_DENSE_NARROW_H

#include "kernels/common.h"
#include "kernels/epilogue.h"

namespace {

constexpr int kPanelOutputs = 16;
constexpr int kBlockBytes = 64;
constexpr int kHeaderBytes = 2 * kPanelOutputs * 4;
constexpr int kPart = kPanelOutputs / Simd::kLanes;  // vectors of a panel
constexpr int kMostRows = 8;

// Adds the products of one container of P panels to sums, shifted up.
template <int C, int P>
MLQ_INLINE void AddContainer(const mlq_narrow_tile& t, const int8_t* x, const uint8_t* panel, int shift, Simd::I (&sums)[P * kPart]) {
  Simd::I found[P * kPart];
  Narrow::Products<C, P>(x, t.row_stride / (32 / C), panel, t.panel_bytes, found);
  MLQ_UNROLL for (int v = 0; v < P * kPart; v++) { sums[v] = Simd::AddInt(sums[v], Narrow::ShiftUp(found[v], shift)); }
}

template <int P>
MLQ_NOINLINE void NarrowPanels(const mlq_narrow_tile& t, int row, const uint8_t* panel, int32_t* out) {
  const int8_t* x = t.rows + (int64_t)row * t.row_stride;
  const uint8_t* data = panel + kHeaderBytes;
  Simd::I sums[P * kPart];
  MLQ_UNROLL for (int v = 0; v < P * kPart; v++) { sums[v] = Simd::ZeroInt(); }
  int shift = 0;
  if ((t.bits & 4) != 0) {
    AddContainer<4, P>(t, x, data, shift, sums);
    data += (int64_t)t.row_stride / 8 * kBlockBytes;
    shift += 4;
  }
  if ((t.bits & 2) != 0) {
    AddContainer<2, P>(t, x, data, shift, sums);
    data += (int64_t)t.row_stride / 16 * kBlockBytes;
    shift += 2;
  }
  if ((t.bits & 1) != 0) {
    AddContainer<1, P>(t, x, data, shift, sums);
  }
  const Simd::I step = Simd::BroadcastInt(t.step), total = Simd::BroadcastInt(t.row_sums[row]);
  MLQ_UNROLL for (int v = 0; v < P * kPart; v++) {
    const int32_t* head = (const int32_t*)(const void*)(panel + v / kPart * t.panel_bytes) + v % kPart * Simd::kLanes;
    const Simd::I base = Simd::AddInt(Simd::LoadInt(head), Narrow::Multiply(Simd::LoadInt(head + kPanelOutputs), total));
    Simd::StoreInt(out + v * Simd::kLanes, Simd::AddInt(base, Narrow::Multiply(sums[v], step)));
  }
}

MLQ_INLINE void Fetch(const void* p, int64_t bytes) {
  for (int64_t i = 0; p != nullptr && i < bytes; i += 64) {
    __builtin_prefetch((const char*)p + i, 0, 2);
  }
}

// What the end of a tile reads, and the beginnings of the next one's panels.
MLQ_INLINE void FetchTile(const mlq_narrow_tile& t, int channel, int outputs, const uint8_t* next) {
  const mlq_epilogue& e = *t.epilogue;
  Fetch(e.bias + channel, outputs * 4);
  if (e.output != MLQ_OUTPUT_INT32) {
    Fetch(e.multipliers + channel, outputs * 4);
    Fetch(e.offsets + channel, outputs * 4);
  }
  for (int p = 0; p < kGroup; p++) {
    Fetch(next + p * t.panel_bytes, kHeaderBytes);
  }
}

void RunNarrow(const mlq_narrow_tile& t) {
  alignas(64) int32_t sums[kMostRows][kGroup * kPanelOutputs];
  const int size = OutputSize(t.epilogue->output);
  for (int panel = 0; panel < t.panel_count; panel += kGroup) {
    const int channel = t.channel + panel * kPanelOutputs;
    const int panels = Min(kGroup, t.panel_count - panel);
    const uint8_t* first = t.panels + panel * t.panel_bytes;
    FetchTile(t, channel, Min(kGroup * kPanelOutputs, t.out_channels - channel), first + kGroup * t.panel_bytes);
    for (int r = 0; r < t.row_count; r++) {
      if (panels == kGroup) {
        NarrowPanels<kGroup>(t, r, first, sums[r]);
      } else {
        for (int p = 0; p < panels; p++) {
          NarrowPanels<1>(t, r, first + p * t.panel_bytes, sums[r] + p * kPanelOutputs);
        }
      }
    }
    const ChannelEpilogue<kGroup * kPart> epilogue(*t.epilogue, channel, Min(kGroup * kPanelOutputs, t.out_channels - channel), nullptr);
    epilogue.Run(sums[0], t.row_count, t.destination + (int64_t)channel * size, (int64_t)t.out_channels * size);
  }
}

}  // namespace

#define MLQ_DEFINE_DENSE_NARROW(isa) \
  extern "C" void mlq_##isa##_dense_narrow(const mlq_narrow_tile* tile) { RunNarrow(*tile); }

#endif
