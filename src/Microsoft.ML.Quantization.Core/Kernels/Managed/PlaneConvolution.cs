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
        return new PlanePlan(geometry).TileCount;
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
        KernelCheck.Tiles(tileBegin, tileEnd, plan.TileCount);
        Span<AxisClass> buffer = Boxes.NeedsHeap(g) ? new AxisClass[Boxes.Bound(g)] : stackalloc AxisClass[Boxes.StackClasses];
        Boxes boxes = new(g, int.MaxValue, buffer);
        PlaneTile* batch = stackalloc PlaneTile[PlaneTiles.BatchLength];
        ReadOnlySpan<float> multipliers = epilogue.Integer.Multipliers, offsets = epilogue.Integer.Offsets;
        fixed (uint* x = source)
        fixed (byte* y = destination)
        fixed (int* bias = epilogue.Integer.Bias, thresholds = epilogue.Thresholds.Values, directions = epilogue.Thresholds.Directions)
        fixed (float* m = multipliers, b = offsets)
        fixed (byte* other = epilogue.Integer.Join.Other, bytes = epilogue.Integer.Join.Bytes)
        fixed (uint* planes = epilogue.Integer.Join.Planes, rising = epilogue.Integer.Join.Rising)
        fixed (int* table = epilogue.Integer.Join.Table)
        {
            NativeEpilogue native = NativeEpilogue.Of(epilogue.Integer, bias, m, b);
            NativeJoin join = NativeJoin.Of(epilogue.Integer.Join, g.OutChannels, y) with { Other = other, Bytes = bytes, Planes = (byte*)planes, Table = table, Rising = rising };
            native.Join = epilogue.Integer.Join.IsUsed ? &join : null;
            PlaneTile common = new()
            {
                Source = x,
                Destination = y,
                Epilogue = &native,
                Thresholds = thresholds,
                Directions = directions,
                ThresholdCount = epilogue.Thresholds.Count,
                PlaneBits = epilogue.Thresholds.PlaneBits,
            };
            PlaneTiles tiles = new(geometry, plan, boxes, common, batch);
            for (int tile = tileBegin; tile < tileEnd; tile++)
            {
                tiles.Run(kernel, weights.Pointer, tile);
            }
        }

        GC.KeepAlive(weights);
    }
}
