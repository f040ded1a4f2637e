// How a convolution is cut into tiles: (group, block of weight panels, block of output pixels), pixels innermost, so that
// a block of panels that fills the second-level cache is used by all pixels before the next one is touched.
#ifndef MLQ_CONVOLUTION_PLAN_H
#define MLQ_CONVOLUTION_PLAN_H

#include "kernels/common.h"

namespace {

constexpr int kTableEntries = 4096;       // pointers of one tile: taps x pixels
constexpr int kSlack = 16;                // behind tables, so that whole vectors may be read and written
constexpr int kCacheLine = 64;
constexpr int64_t kShortAhead = 2048;
constexpr int64_t kWaitingBytes = 256 << 10;
constexpr int kMaxTaps = 128;             // taps of one chunk
constexpr int kMaxPixels = 112;           // pixels of one tile
constexpr int kMaxStripes = 40;           // stripes of one tile
constexpr int kTileAccumulators = 8192;   // of one tile, where the depth is cut into chunks

struct Plan {
  int taps;
  int channels;      // input channels of a group
  int outputs;       // output channels of a group
  int depth;         // taps * channels
  int panels;        // of a group
  int pixels;
  int pixel_blocks;
  int panel_blocks;
  int tiles;
};

struct Tile {
  int group;
  int panel_begin, panel_end;
  int pixel_begin, pixel_end;
};

// Few pixels need several panels at once, so that eight or more chains hide the latency of a multiply-add.
constexpr int PanelsAtOnce(int rows, int vectors) { return rows * vectors * 4 <= 8 ? 4 : rows * vectors * 2 <= 8 ? 2 : 1; }

// max_pixels: what tables or scratch allow; chunked: accumulators of the whole tile are kept; work: products wanted of a tile; least: pixels of a tile at least.
MLQ_INLINE Plan MakePlan(const mlq_geometry& g, int panel_width, int rows, int max_pixels, bool chunked, int64_t work, int least = 1) {
  Plan p;
  p.taps = g.kernel_depth * g.kernel_height * g.kernel_width;
  p.channels = g.in_channels / g.groups;
  p.outputs = g.out_channels / g.groups;
  p.depth = p.taps * p.channels;
  p.panels = CeilDivide(p.outputs, panel_width);
  p.pixels = g.batch * g.out_depth * g.out_height * g.out_width;
  const int64_t depth = Max(p.depth, 1);
  const int64_t stripe = (int64_t)rows * panel_width * depth * Min(p.panels, 2);
  const int most = Max(rows, max_pixels / rows * rows);
  const int wanted = (int)Clip<int64_t>(work / stripe * rows, Min(Max(rows, least), most), most);
  const int block = Max(1, Min(wanted, p.pixels));
  // Few rows read the weights once: such a tile is bound by memory, not by products.
  const int64_t target = block < 4 ? work / 8 : work;
  int64_t panels = Clip<int64_t>(target / ((int64_t)block * panel_width * depth), 1, Max(p.panels, 1));
  if (block < 4) {
    panels = Min<int64_t>((panels + 3) / 4 * 4, Max(p.panels, 1));
  }
  if (chunked) {
    panels = Clip<int64_t>(kTileAccumulators / (block * panel_width), 1, panels);
  }
  p.pixel_blocks = CeilDivide(p.pixels, block);
  p.panel_blocks = CeilDivide(p.panels, (int)panels);
  p.tiles = g.groups * p.panel_blocks * p.pixel_blocks;
  return p;
}

MLQ_INLINE Tile TileAt(const Plan& p, int index) {
  Tile t;
  const int pixel_block = index % p.pixel_blocks;
  const int panel_block = index / p.pixel_blocks % p.panel_blocks;
  t.group = index / p.pixel_blocks / p.panel_blocks;
  t.panel_begin = Share(p.panels, panel_block, p.panel_blocks);
  t.panel_end = Share(p.panels, panel_block + 1, p.panel_blocks);
  t.pixel_begin = Share(p.pixels, pixel_block, p.pixel_blocks);
  t.pixel_end = Share(p.pixels, pixel_block + 1, p.pixel_blocks);
  return t;
}

MLQ_INLINE bool AxisNeverPads(int in, int out, int kernel, int stride, int dilation, int pad) {
  return pad == 0 && (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation < in;
}

MLQ_INLINE bool DepthNeverPads(const mlq_geometry& g) { return AxisNeverPads(g.in_depth, g.out_depth, g.kernel_depth, g.stride_depth, g.dilation_depth, g.pad_depth); }

MLQ_INLINE bool NeverPads(const mlq_geometry& g) {
  return DepthNeverPads(g) &&
         AxisNeverPads(g.in_height, g.out_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_height) &&
         AxisNeverPads(g.in_width, g.out_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_width);
}

}  // namespace

#endif
