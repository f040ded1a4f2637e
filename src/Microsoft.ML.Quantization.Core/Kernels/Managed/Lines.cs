using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Lines of values with a step between neighbours, and their reductions.</summary>
internal static class Lines
{
    /// <summary>A reduction of one line.</summary>
    public delegate float Reduction(ReadOnlySpan<float> line);

    /// <summary>destination[l] = reduction of line l of [outer][size][inner], l = outer · inner + i, for the lines [begin, end).</summary>
    public static void Reduce(ReadOnlySpan<float> source, int size, int inner, Reduction reduction, Span<float> destination, int begin, int end)
    {
        Span<float> line = inner == 1 ? [] : Scratch.Floats(size);
        for (int i = begin; i < end; i++)
        {
            int start = (i / inner * size * inner) + (i % inner);
            destination[i] = inner == 1 ? reduction(source.Slice(start, size)) : reduction(Read(source, start, inner, line));
        }
    }

    /// <summary>fl(Σ x / n).</summary>
    public static float Mean(ReadOnlySpan<float> line) => FloatReduction.Sum(line) / line.Length;

    /// <summary>√(Σ fl(x · x)).</summary>
    public static float L2(ReadOnlySpan<float> line) => MathF.Sqrt(FloatReduction.SumSquares(line));

    /// <summary>log Σ x.</summary>
    public static float LogSum(ReadOnlySpan<float> line) => FloatMath.Log(FloatReduction.Sum(line));

    /// <summary>m + log Σ exp(fl(x − m)), m the largest value, or 0 where that is not finite.</summary>
    public static float LogSumExp(ReadOnlySpan<float> line)
    {
        float largest = FloatReduction.Max(line);
        float shift = float.IsFinite(largest) ? largest : 0;
        return shift + FloatMath.Log(FloatReduction.SumExp(line, shift));
    }

    /// <summary>The line that begins at <paramref name="start"/>: itself where it is dense, else a copy in <paramref name="buffer"/>, whose length is the line's.</summary>
    public static ReadOnlySpan<float> Read(ReadOnlySpan<float> source, int start, int step, Span<float> buffer)
    {
        if (step == 1)
        {
            return source.Slice(start, buffer.Length);
        }

        for (int i = 0; i < buffer.Length; i++)
        {
            buffer[i] = source[start + (i * step)];
        }

        return buffer;
    }

    /// <summary>Writes a line with a step.</summary>
    public static void Write(ReadOnlySpan<float> line, Span<float> destination, int start, int step)
    {
        if (step == 1)
        {
            line.CopyTo(destination[start..]);
            return;
        }

        for (int i = 0; i < line.Length; i++)
        {
            destination[start + (i * step)] = line[i];
        }
    }
}
