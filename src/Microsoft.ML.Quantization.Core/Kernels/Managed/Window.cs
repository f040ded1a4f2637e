namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The taps of one output position that lie inside the image, and where the window starts in the input.</summary>
internal readonly struct Window
{
    private Window((int Begin, int End) depth, (int Begin, int End) height, (int Begin, int End) width, int originDepth, int originHeight, int originWidth)
    {
        DepthBegin = depth.Begin;
        DepthEnd = depth.End;
        HeightBegin = height.Begin;
        HeightEnd = height.End;
        WidthBegin = width.Begin;
        WidthEnd = width.End;
        OriginDepth = originDepth;
        OriginHeight = originHeight;
        OriginWidth = originWidth;
    }

    public int DepthBegin { get; }

    public int DepthEnd { get; }

    public int HeightBegin { get; }

    public int HeightEnd { get; }

    public int WidthBegin { get; }

    public int WidthEnd { get; }

    /// <summary>Input plane of tap 0; may be negative.</summary>
    public int OriginDepth { get; }

    /// <summary>Input row of tap 0; may be negative.</summary>
    public int OriginHeight { get; }

    /// <summary>Input column of tap 0; may be negative.</summary>
    public int OriginWidth { get; }

    /// <summary>Number of taps inside the image.</summary>
    public int Count => (DepthEnd - DepthBegin) * (HeightEnd - HeightBegin) * (WidthEnd - WidthBegin);

    /// <summary>The window of output position (depth, height, width).</summary>
    public static Window At(in ConvolutionGeometry g, int depth, int height, int width)
    {
        int d = (depth * g.StrideDepth) - g.PadDepth;
        int h = (height * g.StrideHeight) - g.PadHeight;
        int w = (width * g.StrideWidth) - g.PadWidth;
        return new Window(
            AxisClass.Taps1(g.InDepth, g.KernelDepth, d, g.DilationDepth),
            AxisClass.Taps1(g.InHeight, g.KernelHeight, h, g.DilationHeight),
            AxisClass.Taps1(g.InWidth, g.KernelWidth, w, g.DilationWidth),
            d,
            h,
            w);
    }

    /// <summary>Whether the same taps lie inside the image as in another window.</summary>
    public bool HasTapsOf(in Window other)
        => DepthBegin == other.DepthBegin && DepthEnd == other.DepthEnd && HeightBegin == other.HeightBegin && HeightEnd == other.HeightEnd
            && WidthBegin == other.WidthBegin && WidthEnd == other.WidthEnd;

    /// <summary>Whether a tap lies inside the image.</summary>
    public bool Holds(int depth, int height, int width)
        => depth >= DepthBegin && depth < DepthEnd && height >= HeightBegin && height < HeightEnd && width >= WidthBegin && width < WidthEnd;

    /// <summary>The pixel of the input (depth, height and width flattened; within one image) under a tap inside the image.</summary>
    public long Pixel(in ConvolutionGeometry g, int depth, int height, int width)
        => ((((OriginDepth + ((long)depth * g.DilationDepth)) * g.InHeight) + OriginHeight + ((long)height * g.DilationHeight)) * g.InWidth)
            + OriginWidth + ((long)width * g.DilationWidth);
}
