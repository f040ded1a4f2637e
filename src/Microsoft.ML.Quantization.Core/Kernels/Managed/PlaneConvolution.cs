using System;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Layers over bit planes for every kernel set: cuts the work into tiles, finds pixels and words, and leaves counting and writing to a kernel. Taps in
/// padding are left out; what a code read there contributes is a constant of the tile.
/// </summary>
internal static unsafe class PlaneConvolution
{
    public static int CountTiles(in PlaneGeometry geometry)
    {
        PlaneCheck.Geometry(geometry);
        ConvolutionGeometry g = geometry.Convolution;
        PlanePlan plan = new(geometry);
        Span<AxisClass> buffer = Boxes.NeedsHeap(g) ? new AxisClass[Boxes.Bound(g)] : stackalloc AxisClass[Boxes.StackClasses];
        return checked(new Boxes(g, plan.Pixels, buffer).TileCount * plan.PanelBlocks * g.Groups);
    }

    public static void Run<TKernel>(
        in TKernel kernel,
        in PlaneGeometry geometry,
        ReadOnlySpan<uint> source,
        PackedWeights weights,
        in PlaneEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
        where TKernel : struct, IPlaneKernel
    {
        PlaneCheck.Geometry(geometry);
        ConvolutionGeometry g = geometry.Convolution;
        KernelCheck.AtLeast(source.Length, geometry.InWords, nameof(source));
        PlaneCheck.Epilogue(epilogue, g, destination.Length);
        KernelCheck.Weights(weights, PlaneWeights.Layout(geometry), PlaneWeights.ByteLength(geometry));
        PlanePlan plan = new(geometry);
        Span<AxisClass> buffer = Boxes.NeedsHeap(g) ? new AxisClass[Boxes.Bound(g)] : stackalloc AxisClass[Boxes.StackClasses];
        Boxes boxes = new(g, plan.Pixels, buffer);
        KernelCheck.Tiles(tileBegin, tileEnd, (long)boxes.TileCount * plan.PanelBlocks * g.Groups);
        ReadOnlySpan<float> multipliers = epilogue.Integer.Multipliers, offsets = epilogue.Integer.Offsets;
        fixed (uint* x = source)
        fixed (byte* y = destination)
        fixed (int* bias = epilogue.Integer.Bias, thresholds = epilogue.Thresholds.Values, directions = epilogue.Thresholds.Directions)
        fixed (float* m = multipliers, b = offsets)
        {
            NativeEpilogue native = NativeEpilogue.Of(epilogue.Integer, bias, m, b);
            PlaneTiles tiles = new(geometry, plan, x, y, &native);
            tiles.Tile.Thresholds = thresholds;
            tiles.Tile.Directions = directions;
            tiles.Tile.ThresholdCount = epilogue.Thresholds.Count;
            tiles.Tile.PlaneBits = epilogue.Thresholds.PlaneBits;
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                tiles.Take(boxes, weights.Pointer, tile);
                PlaneTile work = tiles.Tile;
                kernel.Run(&work);
            }
        }

        GC.KeepAlive(weights);
    }
}
