using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// The output of a convolution split into boxes of equal taps (<see cref="AxisClass"/>), and the boxes, all images of the batch
/// together, cut into tiles of a fixed number of pixels.
/// </summary>
internal readonly ref struct Boxes
{
    /// <summary>Classes that callers keep on the stack.</summary>
    public const int StackClasses = 96;

    private readonly ReadOnlySpan<AxisClass> _depth;
    private readonly ReadOnlySpan<AxisClass> _height;
    private readonly ReadOnlySpan<AxisClass> _width;
    private readonly int _batch;
    private readonly int _tilePixels;

    public Boxes(in ConvolutionGeometry g, int tilePixels, Span<AxisClass> buffer)
    {
        int depth = AxisClass.Split(g.InDepth, g.OutDepth, g.KernelDepth, g.StrideDepth, g.DilationDepth, g.PadDepth, buffer);
        _depth = buffer[..depth];
        buffer = buffer[depth..];
        int height = AxisClass.Split(g.InHeight, g.OutHeight, g.KernelHeight, g.StrideHeight, g.DilationHeight, g.PadHeight, buffer);
        _height = buffer[..height];
        buffer = buffer[height..];
        int width = AxisClass.Split(g.InWidth, g.OutWidth, g.KernelWidth, g.StrideWidth, g.DilationWidth, g.PadWidth, buffer);
        _width = buffer[..width];
        _batch = g.Batch;
        _tilePixels = tilePixels;
        TileCount = 0;
        for (int box = 0; box < depth * height * width; box++)
        {
            TileCount += TilesOf(Pixels(Box(box, 0, 0)));
        }
    }

    /// <summary>Number of tiles of all boxes.</summary>
    public int TileCount { get; }

    /// <summary>Number of boxes.</summary>
    public int Count => _depth.Length * _height.Length * _width.Length;

    /// <summary>Whether the classes may not fit <see cref="StackClasses"/>.</summary>
    public static bool NeedsHeap(in ConvolutionGeometry g) => Bound(g) > StackClasses;

    /// <summary>An upper bound of the number of classes.</summary>
    public static int Bound(in ConvolutionGeometry g)
        => AxisClass.Bound(g.OutDepth, g.KernelDepth) + AxisClass.Bound(g.OutHeight, g.KernelHeight) + AxisClass.Bound(g.OutWidth, g.KernelWidth);

    /// <summary>The pixels of tile <paramref name="tile"/>.</summary>
    public BoxPart Find(int tile)
    {
        int box = 0;
        while (true)
        {
            int pixels = Pixels(Box(box, 0, 0));
            int tiles = TilesOf(pixels);
            if (tile < tiles)
            {
                int begin = tile * _tilePixels;
                return Box(box, begin, Math.Min(begin + _tilePixels, pixels));
            }

            tile -= tiles;
            box++;
        }
    }

    /// <summary>All pixels of box <paramref name="index"/>.</summary>
    public BoxPart Whole(int index)
    {
        BoxPart box = Box(index, 0, 0);
        return box with { PixelEnd = Pixels(box) };
    }

    private int TilesOf(int pixels) => (pixels + _tilePixels - 1) / _tilePixels;

    private int Pixels(in BoxPart part) => _batch * part.Depth.Length * part.Height.Length * part.Width.Length;

    private BoxPart Box(int index, int begin, int end)
    {
        (int rest, int width) = Math.DivRem(index, _width.Length);
        (int depth, int height) = Math.DivRem(rest, _height.Length);
        return new BoxPart(_depth[depth], _height[height], _width[width], begin, end);
    }
}
