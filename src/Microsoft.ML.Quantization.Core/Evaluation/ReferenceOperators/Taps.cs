using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>The taps of a window over an image, in row-major order of the kernel.</summary>
/// <param name="window">The window.</param>
/// <param name="input">[N, C, spatial].</param>
/// <param name="output">[N, O, spatial'].</param>
internal sealed class Taps(Window window, Shape input, Shape output)
{
    private readonly ImmutableArray<int> _outSizes = output.Dimensions[2..];
    private readonly int[] _tap = new int[window.Rank];
    private readonly int[] _pixel = new int[window.Rank];

    /// <summary>Kernel positions.</summary>
    public int Count { get; } = Product(window.Kernel);

    /// <summary>Pixels of one output channel.</summary>
    public int OutPixels { get; } = Product(output.Dimensions[2..]);

    /// <summary>Pixels of one input channel.</summary>
    public int InPixels { get; } = Product(input.Dimensions[2..]);

    /// <summary><see cref="Source"/> of every output pixel and tap, [pixel][tap].</summary>
    public int[] Sources() => Table(Source);

    /// <summary><see cref="TransposedSource"/> of every output pixel and tap, [pixel][tap].</summary>
    public int[] TransposedSources() => Table(TransposedSource);

    /// <summary>The input pixel under a tap of an output pixel; −1 in padding, −2 behind the padded image (only where output sizes were rounded up).</summary>
    public int Source(int outPixel, int tap)
    {
        Coordinates.Fill(_outSizes, outPixel, _pixel);
        Coordinates.Fill(window.Kernel, tap, _tap);
        int index = 0;
        int state = 0;
        for (int i = 0; i < window.Rank; i++)
        {
            int size = input[i + 2];
            long position = ((long)_pixel[i] * window.Strides[i]) + ((long)_tap[i] * window.Dilations[i]) - window.PadsBegin[i];
            state = position >= 0 && position < size ? state : position >= (long)size + window.PadsEnd[i] ? -2 : Math.Min(state, -1);
            index = (int)((index * (long)size) + Math.Clamp(position, 0, Math.Max(size - 1, 0)));
        }

        return state < 0 ? state : index;
    }

    /// <summary>The input pixel from which a tap of a transposed convolution reaches an output pixel; −1 for none.</summary>
    public int TransposedSource(int outPixel, int tap)
    {
        Coordinates.Fill(_outSizes, outPixel, _pixel);
        Coordinates.Fill(window.Kernel, tap, _tap);
        int index = 0;
        for (int i = 0; i < window.Rank; i++)
        {
            int size = input[i + 2];
            long position = (long)_pixel[i] + window.PadsBegin[i] - ((long)_tap[i] * window.Dilations[i]);
            if (position < 0 || position % window.Strides[i] != 0 || position / window.Strides[i] >= size)
            {
                return -1;
            }

            index = (int)((index * (long)size) + (position / window.Strides[i]));
        }

        return index;
    }

    private int[] Table(Func<int, int, int> source)
    {
        var table = new int[OutPixels * Count];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = source(i / Count, i % Count);
        }

        return table;
    }

    private static int Product(ImmutableArray<int> sizes)
    {
        int product = 1;
        foreach (int size in sizes)
        {
            product *= size;
        }

        return product;
    }
}
