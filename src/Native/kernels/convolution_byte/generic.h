// The integer convolution: tiles that read codes where they lie, and tiles whose patches are gathered first, in chunks of the depth.
#ifndef MLQ_CONVOLUTION_BYTE_H
#define MLQ_CONVOLUTION_BYTE_H

#include "kernels/convolution_byte/direct.h"
#include "kernels/convolution_byte/gather.h"

namespace {

// Patches of one chunk with contiguous kernel rows, output row by output row.
void GatherShort(ByteTile& work, const PatchSource& patches, Dot::Value* scratch) {
  const mlq_geometry& g = work.call.g;
  const WholePatches whole(g, work.call.source);
  const Windows& w = work.windows;
  PaddedLines lines;
  for (int begin = 0, end; begin < work.pixels; begin = end) {
    for (end = begin + 1; end < work.pixels && w.x[end] > w.x[end - 1]; end++) {
    }
    const bool inside = whole.IsInside(w, begin) && whole.IsInside(w, end - 1);
    const bool padded = !inside && lines.Fill(g, whole, w, begin, end, work.call.padding);
    for (int p = begin; p < end; p++) {
      Dot::Value* row = scratch + (int64_t)p * whole.padded;
      if (inside) {
        whole.Gather(w, p, row);
      } else if (padded) {
        whole.Gather(lines.codes + (int64_t)(w.x[p] - w.x[begin]) * g.in_channels, lines.offsets, true, row);
      } else {
        patches.Gather(w, p, 0, work.plan.depth, work.call.padding, row);
      }
      work.table[p] = row;
    }
  }
  work.stripes = FindStripes(g, w, work.pixels, Dot::kRows, 1, whole.padded, false, work.stripe);
  work.Multiply(1, 0, true);
}

void GatherTile(const ByteCall& call, const Plan& plan, const Tile& tile) {
  alignas(64) Dot::Value scratch[kScratch + kOverrun];
  ByteTile work(call, plan, plan.depth > kChunk);
  work.Take(tile);
  work.Locate();
  const PatchSource patches = {call.g, call.source, plan.channels};
  if (plan.depth <= kChunk && WholePatches::Fits(call.g)) {
    GatherShort(work, patches, scratch);
    return;
  }
  for (int begin = 0; begin < plan.depth; begin += kChunk) {
    const int end = Min(begin + kChunk, plan.depth);
    const int length = CeilDivide(end - begin, Dot::kStep) * Dot::kStep;
    for (int p = 0; p < work.pixels; p++) {
      Dot::Value* row = scratch + (int64_t)p * length;
      patches.Gather(work.windows, p, begin, end, call.padding, row);
      work.table[p] = row;
    }
    work.stripes = FindStripes(call.g, work.windows, work.pixels, Dot::kRows, 1, length, false, work.stripe);
    work.Multiply(1, begin / Dot::kStep, end == plan.depth);
  }
}

int64_t BytePackedSize(const mlq_geometry& g) {
  const Plan p = BytePlan(g);
  return (int64_t)g.groups * p.panels * PanelSize(p);
}

void ByteRun(const ByteCall& call, int begin, int end) {
  const Plan plan = BytePlan(call.g);
  if (IsDirect(call.g)) {
    RunDirect<Dot::Value>(call, plan, begin, end);
    return;
  }
  for (int i = begin; i < end; i++) {
    GatherTile(call, plan, TileAt(plan, i));
  }
}

}  // namespace

#endif
