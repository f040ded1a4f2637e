namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// Where a product's output pixels lie in an image channels-last: pixel (d, h, w) at (FirstDepth + d · StepDepth, ..) of an image of the given size. The way back through a
/// stride writes one such lattice after the other.
/// </summary>
internal readonly record struct PatchPlacement(int Depth, int Height, int Width, int FirstDepth, int FirstHeight, int FirstWidth, int StepDepth, int StepHeight, int StepWidth)
{
    /// <summary>Every pixel of the output, in order.</summary>
    public static PatchPlacement All(in ConvolutionGeometry g) => new(g.OutDepth, g.OutHeight, g.OutWidth, 0, 0, 0, 1, 1, 1);

    /// <summary>Whether neighbouring output pixels are neighbours in the image.</summary>
    public bool IsDense(in ConvolutionGeometry g)
        => (StepDepth, StepHeight, StepWidth) == (1, 1, 1) && (Depth, Height, Width) == (g.OutDepth, g.OutHeight, g.OutWidth);

    /// <summary>Pixels of the image from its start, for each output pixel from <paramref name="first"/> on.</summary>
    public void Find(in ConvolutionGeometry g, int first, System.Span<long> places)
    {
        if (IsDense(g))
        {
            for (int i = 0; i < places.Length; i++)
            {
                places[i] = first + i;
            }

            return;
        }

        int row = first / g.OutWidth;
        int column = first % g.OutWidth;
        long line = Line(g, row);
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = line + ((long)column * StepWidth);
            if (++column == g.OutWidth)
            {
                column = 0;
                line = Line(g, ++row);
            }
        }
    }

    private long Line(in ConvolutionGeometry g, int row)
    {
        int h = (row % g.OutHeight * StepHeight) + FirstHeight;
        int d = (row / g.OutHeight % g.OutDepth * StepDepth) + FirstDepth;
        long n = row / g.OutHeight / g.OutDepth;
        return (((((n * Depth) + d) * Height) + h) * Width) + FirstWidth;
    }
}
