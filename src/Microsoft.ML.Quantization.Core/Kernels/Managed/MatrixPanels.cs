using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Panels of float weights [panel][depth][width], the form that all sets have, written from a matrix [depth][outputs]: whole runs are copied.</summary>
internal static class MatrixPanels
{
    /// <summary>Writes all panels of a dense geometry; lanes behind the last output keep what they hold.</summary>
    public static void Write(in ConvolutionGeometry g, int width, ReadOnlySpan<float> matrix, Span<float> panels)
    {
        int outputs = g.OutChannels;
        KernelCheck.AtLeast(matrix.Length, (long)g.Depth * outputs, nameof(matrix));
        for (int first = 0; first < outputs; first += width)
        {
            int length = Math.Min(width, outputs - first);
            Span<float> panel = panels.Slice(first * g.Depth, g.Depth * width);
            for (int k = 0; k < g.Depth; k++)
            {
                matrix.Slice((k * outputs) + first, length).CopyTo(panel[(k * width)..]);
            }
        }
    }
}
