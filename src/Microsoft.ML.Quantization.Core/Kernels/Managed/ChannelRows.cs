namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>One output row (image, depth, height) of a depthwise convolution or a pooling.</summary>
internal readonly struct ChannelRows
{
    private readonly int _depth;
    private readonly int _height;

    public ChannelRows(in ConvolutionGeometry g, int row)
    {
        int up = row / g.OutHeight;
        _height = row - (up * g.OutHeight);
        int image = up / g.OutDepth;
        _depth = up - (image * g.OutDepth);
        ImagePixel = (long)image * g.InDepth * g.InHeight * g.InWidth;
        OutPixel = (long)row * g.OutWidth;
    }

    /// <summary>The first input pixel of the image.</summary>
    public long ImagePixel { get; }

    /// <summary>The first output pixel of the row.</summary>
    public long OutPixel { get; }

    /// <summary>Number of rows.</summary>
    public static long Count(in ConvolutionGeometry g) => (long)g.Batch * g.OutDepth * g.OutHeight;

    /// <summary>The window of one column of this row.</summary>
    public Window Window(in ConvolutionGeometry g, int column) => Managed.Window.At(g, _depth, _height, column);
}
