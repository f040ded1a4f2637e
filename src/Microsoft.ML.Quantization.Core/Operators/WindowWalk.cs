using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Which input pixels lie under the window of each output pixel, found once for all planes.</summary>
internal sealed class WindowWalk
{
    private readonly int[] _taps;
    private readonly int[] _begins;
    private readonly int[] _padded;

    /// <summary>Lists the taps of every output pixel.</summary>
    public WindowWalk(ConvolutionGeometry geometry, Window window)
    {
        InPixels = geometry.InDepth * geometry.InHeight * geometry.InWidth;
        OutPixels = geometry.OutDepth * geometry.OutHeight * geometry.OutWidth;
        _begins = new int[OutPixels + 1];
        _padded = new int[OutPixels];
        var taps = new List<int>();
        (int begin, int end)[] limits = Limits(geometry, window);
        for (int pixel = 0; pixel < OutPixels; pixel++)
        {
            Add(geometry, limits, pixel, taps);
            _begins[pixel + 1] = taps.Count;
        }

        _taps = [.. taps];
    }

    /// <summary>Pixels of an input plane.</summary>
    public int InPixels { get; }

    /// <summary>Pixels of an output plane.</summary>
    public int OutPixels { get; }

    /// <summary>The input pixels under an output pixel, in tap order.</summary>
    public Span<int> Inside(int pixel) => _taps.AsSpan(_begins[pixel].._begins[pixel + 1]);

    /// <summary>Taps inside image and padding.</summary>
    public int CountPadded(int pixel) => _padded[pixel];

    /// <summary>Every output pixel of some planes.</summary>
    public IEnumerable<(int Plane, int Pixel)> Pixels(int firstPlane, int endPlane)
    {
        for (int plane = firstPlane; plane < endPlane; plane++)
        {
            for (int pixel = 0; pixel < OutPixels; pixel++)
            {
                yield return (plane, pixel);
            }
        }
    }

    /// <summary>The first position before the padding and the first behind it, for depth, height and width.</summary>
    private static (int Begin, int End)[] Limits(ConvolutionGeometry geometry, Window window)
    {
        int[] sizes = [geometry.InDepth, geometry.InHeight, geometry.InWidth];
        int[] pads = [geometry.PadDepth, geometry.PadHeight, geometry.PadWidth];
        var limits = new (int, int)[sizes.Length];
        for (int i = 0; i < limits.Length; i++)
        {
            int axis = i - (sizes.Length - window.Rank);
            limits[i] = (-pads[i], sizes[i] + (axis >= 0 ? window.PadsEnd[axis] : 0));
        }

        return limits;
    }

    private void Add(in ConvolutionGeometry g, (int Begin, int End)[] limits, int pixel, List<int> taps)
    {
        int depth = (pixel / g.OutWidth / g.OutHeight * g.StrideDepth) - g.PadDepth;
        int height = (pixel / g.OutWidth % g.OutHeight * g.StrideHeight) - g.PadHeight;
        int width = (pixel % g.OutWidth * g.StrideWidth) - g.PadWidth;
        for (int tap = 0; tap < g.Taps; tap++)
        {
            int d = depth + (tap / g.KernelWidth / g.KernelHeight * g.DilationDepth);
            int h = height + (tap / g.KernelWidth % g.KernelHeight * g.DilationHeight);
            int w = width + (tap % g.KernelWidth * g.DilationWidth);
            _padded[pixel] += d < limits[0].End && h < limits[1].End && w < limits[2].End ? 1 : 0;
            if ((uint)d < (uint)g.InDepth && (uint)h < (uint)g.InHeight && (uint)w < (uint)g.InWidth)
            {
                taps.Add((((d * g.InHeight) + h) * g.InWidth) + w);
            }
        }
    }
}
