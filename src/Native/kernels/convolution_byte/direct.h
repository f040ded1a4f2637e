// Tiles whose codes are read where they lie: the table holds their addresses. The table of one tile serves the next one, too, where it has the same pixels, or pixels of other rows inside the image.
#ifndef MLQ_CONVOLUTION_BYTE_DIRECT_H
#define MLQ_CONVOLUTION_BYTE_DIRECT_H

#include "kernels/convolution_byte/tile.h"

namespace {

// Instantiated for byte values only.
template <class Value>
struct DirectTiles {
  ByteTile work;
  const Value* pad_row;
  bool leaves_out;
  bool inner = false;  // the table's rows lie inside the image
  EdgeOrder order;

  DirectTiles(const ByteCall& call, const Plan& plan, const Value* padding)
      : work(call, plan, false), pad_row(padding), leaves_out(call.padding == 0 && HasEdges(call.g)) {}

  void Run(const Tile& tile) {
    if (IsPointwise(work.call.g)) {
      work.Take(tile);
      const Value* first = work.call.source + (int64_t)tile.pixel_begin * work.call.g.in_channels + tile.group * work.plan.channels;
      work.stripes = PointwiseStripes<Value>(work.call.g, first, work.pixels, Dot::kRows, work.plan.channels, work.stripe, work.table);
      work.Multiply(1, 0, true);
      return;
    }
    if (!Follow(tile)) {
      Build(tile);
    }
    work.Multiply(work.plan.taps, 0, true);
  }

 private:
  void Build(const Tile& tile) {
    const mlq_geometry& g = work.call.g;
    const Plan& plan = work.plan;
    work.Take(tile);
    work.Locate();
    if (leaves_out && HasColumns(g)) {
      order.Sort(g, work.windows);
      work.order = &order;
      work.stripes = StripesByEdges(g, work.windows, order, Dot::kRows, plan.taps, plan.channels, work.stripe);
    } else if (leaves_out) {
      work.stripes = StripesByLines(g, work.windows, Dot::kRows, plan.taps, plan.channels, work.stripe);
    } else {
      work.stripes = FindStripes(g, work.windows, work.pixels, Dot::kRows, plan.taps, plan.channels, true, work.stripe);
    }
    uint32_t masks[kMaxTaps];
    for (int s = 0; s < work.stripes; s++) {
      const int at = work.stripe[s].begin * plan.taps;
      FillTable<Value>(g, work.call.source, pad_row, work.windows, work.stripe[s], 0, plan.taps, work.table + at, masks);
      LeaveOut<Value>(work.stripe[s], leaves_out ? masks : nullptr, work.table + at, work.starts + at);
    }
    inner = IsInner(tile);
  }

  // Whether the table serves `tile`; it is brought there.
  bool Follow(const Tile& tile) {
    const mlq_geometry& g = work.call.g;
    if (work.stripes == 0 || tile.group != work.tile.group || tile.pixel_end - tile.pixel_begin != work.pixels) {
      return false;
    }
    const int distance = tile.pixel_begin - work.tile.pixel_begin;
    if (distance != 0) {
      const int lines = distance / g.out_width;
      if (!inner || lines * g.out_width != distance || !IsInner(tile) || ImageOf(tile.pixel_begin) != ImageOf(work.tile.pixel_begin)) {
        return false;
      }
      Move((int64_t)lines * g.stride_height * g.in_width * g.in_channels);
    }
    work.Take(tile);
    return true;
  }

  void Move(int64_t distance) {
    for (int s = 0; s < work.stripes; s++) {
      const Stripe& stripe = work.stripe[s];
      const Value** table = work.table + stripe.begin * work.plan.taps;
      for (int i = 0; i < stripe.segments * stripe.rows; i++) {
        table[i] += table[i] == pad_row ? 0 : distance;
      }
    }
  }

  MLQ_INLINE int ImageOf(int pixel) const { return pixel / work.call.g.out_width / work.call.g.out_height; }

  // Whether all taps of all rows of a tile lie inside one image.
  bool IsInner(const Tile& tile) const {
    const mlq_geometry& g = work.call.g;
    const int first = tile.pixel_begin / g.out_width, last = (tile.pixel_end - 1) / g.out_width;
    const int row = first % g.out_height, end = row + last - first;
    return g.out_depth == 1 && g.kernel_depth == 1 && g.pad_depth == 0 && end < g.out_height &&
           EdgeOfLine(g, (int64_t)row * g.stride_height - g.pad_height) == kInner && EdgeOfLine(g, (int64_t)end * g.stride_height - g.pad_height) == kInner;
  }
};

template <class Value>
void RunDirect(const ByteCall& call, const Plan& plan, int begin, int end) {
  if constexpr (Dot::kDirect) {
    alignas(64) Value pad_row[kPadRow];
    memset(pad_row, call.padding, (size_t)Min(plan.channels, kPadRow));
    DirectTiles<Value> tiles(call, plan, pad_row);
    for (int i = begin; i < end; i++) {
      tiles.Run(TileAt(plan, i));
    }
  }
}

}  // namespace

#endif
