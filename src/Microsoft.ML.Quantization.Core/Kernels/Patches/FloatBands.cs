using System;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// The input rows under some output rows of one image, copied with their padding as zeros: the patch of an output pixel is then one run of KernelWidth · channels values
/// in each of KernelHeight rows, and nothing is copied twice. For two-dimensional windows without dilation along a row.
/// </summary>
internal readonly unsafe struct FloatBands
{
    /// <summary>Most columns × rows of a band, so that tables of its pixels fit the stack.</summary>
    public const int MostPixels = 1024;

    private readonly int _columns;
    private readonly int _bands;

    /// <summary>Plans bands of at most about <paramref name="values"/> input values.</summary>
    public FloatBands(in ConvolutionGeometry g, int values)
    {
        _columns = ((g.OutWidth - 1) * g.StrideWidth) + g.KernelWidth;
        Pitch = _columns * g.GroupInChannels;
        IsPossible = g.KernelDepth == 1 && g.InDepth == 1 && g.OutDepth == 1 && g.PadDepth == 0 && g.DilationWidth == 1 && g.Taps > 1 && _columns <= MostPixels && g.OutPixels > 0;
        int reach = (g.KernelHeight - 1) * g.DilationHeight;
        int most = Math.Min(((values / Math.Max(1, Pitch)) - reach - 1) / g.StrideHeight, (MostPixels / _columns) - 1) + 1;
        _bands = (g.OutHeight + Math.Max(1, most) - 1) / Math.Max(1, most);
        Rows = _bands == 0 ? 0 : (g.OutHeight + _bands - 1) / _bands;
        Length = ((((Rows - 1) * g.StrideHeight) + reach + 1) * Pitch) + Slack(g);
        Count = g.Batch * _bands;
    }

    /// <summary>Whether the geometry has bands at all.</summary>
    public bool IsPossible { get; }

    /// <summary>Floats from one row of a band to the next.</summary>
    public int Pitch { get; }

    /// <summary>Most output rows of a band.</summary>
    public int Rows { get; }

    /// <summary>Bands of the whole batch.</summary>
    public int Count { get; }

    /// <summary>Bands of one image.</summary>
    public int OfImage => _bands;

    /// <summary>Floats of a band's memory, what register tiles read behind it included.</summary>
    public int Length { get; }

    /// <summary>Columns of a band: output pixels lie that far from one row to the next where strides are 1.</summary>
    public int Columns => _columns;

    /// <summary>The image of a band, its first output row and their number.</summary>
    public (int Image, int Row, int Count) At(in ConvolutionGeometry g, int band)
    {
        (int image, int index) = Math.DivRem(band, _bands);
        int row = index * Rows;
        return (image, row, Math.Min(Rows, g.OutHeight - row));
    }

    /// <summary>Copies a band for one group.</summary>
    public void Copy(in ConvolutionGeometry g, float* source, int group, (int Image, int Row, int Count) part, float* target)
    {
        int rows = ((part.Count - 1) * g.StrideHeight) + ((g.KernelHeight - 1) * g.DilationHeight) + 1;
        int first = (part.Row * g.StrideHeight) - g.PadHeight;
        for (int row = 0; row < rows; row++, target += Pitch)
        {
            int y = first + row;
            var line = new Span<float>(target, Pitch);
            if ((uint)y >= (uint)g.InHeight)
            {
                line.Clear();
                continue;
            }

            float* from = source + (((((long)part.Image * g.InHeight) + y) * g.InWidth * g.InChannels) + (group * g.GroupInChannels));
            Line(g, from, line);
        }
    }

    /// <summary>Pixels that a register tile may read behind the last one.</summary>
    private static int Slack(in ConvolutionGeometry g) => (16 * g.StrideWidth * g.GroupInChannels) + 32;

    private void Line(in ConvolutionGeometry g, float* source, Span<float> line)
    {
        int low = Math.Clamp(g.PadWidth, 0, _columns);
        int high = Math.Clamp(g.InWidth + g.PadWidth, low, _columns);
        int channels = g.GroupInChannels;
        line[..(low * channels)].Clear();
        line[(high * channels)..].Clear();
        float* from = source + ((long)(low - g.PadWidth) * g.InChannels);
        if (g.Groups == 1)
        {
            new ReadOnlySpan<float>(from, (high - low) * channels).CopyTo(line[(low * channels)..]);
            return;
        }

        for (int column = low; column < high; column++, from += g.InChannels)
        {
            new ReadOnlySpan<float>(from, channels).CopyTo(line[(column * channels)..]);
        }
    }
}
