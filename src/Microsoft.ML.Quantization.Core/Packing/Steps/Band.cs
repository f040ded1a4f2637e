using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Some output rows of one image as a convolution or pool of its own, and the input rows that it reads.</summary>
internal readonly struct Band
{
    /// <summary>Input channels up to which packed weights do not depend on the number of rows.</summary>
    public const int MostChannels = 1024;

    /// <summary>The output rows [begin, end).</summary>
    public Band(in ConvolutionGeometry g, int begin, int end)
    {
        int first = (begin * g.StrideHeight) - g.PadHeight;
        Top = Math.Max(first, 0);
        Bottom = Math.Min(((end - 1) * g.StrideHeight) - g.PadHeight + ((g.KernelHeight - 1) * g.DilationHeight) + 1, g.InHeight);
        Geometry = g with { Batch = 1, InHeight = Bottom - Top, OutHeight = end - begin, PadHeight = Top - first };
    }

    /// <summary>The first input row.</summary>
    public int Top { get; }

    /// <summary>Behind the last input row.</summary>
    public int Bottom { get; }

    /// <summary>Input rows.</summary>
    public int Rows => Bottom - Top;

    /// <summary>The sizes.</summary>
    public ConvolutionGeometry Geometry { get; }

    /// <summary>Whether images are flat and the window of every row meets its image.</summary>
    public static bool Fits(in ConvolutionGeometry g)
        => g.InDepth == 1 && g.OutDepth == 1 && g.KernelDepth == 1 && g.PadDepth == 0 && g.OutPixels > 0
            && g.PadHeight <= (g.KernelHeight - 1) * g.DilationHeight && ((g.OutHeight - 1) * g.StrideHeight) - g.PadHeight < g.InHeight;
}
