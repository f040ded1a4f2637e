using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Normalisations of row-major data. Long sums go through <see cref="FloatReduction"/> (16 lanes, tree 8-4-2-1); every step is rounded to
/// float32 and fused only where written. A call does the lines [begin, end), so that callers share the lines out.
/// </summary>
internal static class Normalizations
{
    /// <summary>
    /// Over lines of <paramref name="size"/> values that lie <paramref name="inner"/> apart, [outer][size][inner]; line l = outer · inner + i. m = largest value (v &gt; m ? v : m
    /// from −∞); s = fl(x − m); e = exp s; y = fl(e / Σ e), or the logarithm fl(s − log Σ e).
    /// </summary>
    public static void Softmax(ReadOnlySpan<float> source, int size, int inner, bool logarithm, Span<float> destination, int begin, int end)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        Span<float> scratch = Scratch.Floats(checked(3 * size));
        Span<float> line = scratch[..size];
        Span<float> shifted = scratch.Slice(size, size);
        Span<float> exponentials = scratch.Slice(2 * size, size);
        for (int i = begin; i < end; i++)
        {
            int start = (i / inner * size * inner) + (i % inner);
            ReadOnlySpan<float> values = Lines.Read(source, start, inner, line);
            Elementwise.Combine(values, [FloatReduction.Max(values)], default(BinaryFunctions.Subtract), shifted);
            Elementwise.Map(shifted, default(UnaryFunctions.Exp), exponentials);
            float sum = FloatReduction.Sum(exponentials);
            if (logarithm)
            {
                Elementwise.Combine(shifted, [FloatMath.Log(sum)], default(BinaryFunctions.Subtract), shifted);
                Lines.Write(shifted, destination, start, inner);
            }
            else
            {
                Elementwise.Combine(exponentials, [sum], default(BinaryFunctions.Divide), exponentials);
                Lines.Write(exponentials, destination, start, inner);
            }
        }
    }

    /// <summary>
    /// Rows of <paramref name="size"/> values: μ = fl(Σ x / n); σ² = fl(Σ fl(d · d) / n), d = fl(x − μ); r = fl(1 / √(σ² + ε));
    /// y = fl(fl(fl(x − μ) · r) · γ), then + β unless <paramref name="beta"/> is empty.
    /// </summary>
    public static void Layer(
        ReadOnlySpan<float> source, int size, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, float epsilon, Span<float> destination, int begin, int end)
    {
        for (int row = begin; row < end; row++)
        {
            ReadOnlySpan<float> x = source.Slice(row * size, size);
            Span<float> y = destination.Slice(row * size, size);
            (float mean, float inverse) = Statistics(x, epsilon);
            Elementwise.Map(x, new Centred(mean, inverse), y);
            Elementwise.Combine(y, gamma[..size], default(BinaryFunctions.Multiply), y);
            if (!beta.IsEmpty)
            {
                Elementwise.Combine(y, beta[..size], default(BinaryFunctions.Add), y);
            }
        }
    }

    /// <summary>Planes [image][channel] of <paramref name="pixels"/> values: as <see cref="Layer"/> with the plane as the row, γ and β of the plane's channel.</summary>
    public static void Instance(
        ReadOnlySpan<float> source, int channels, int pixels, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, float epsilon, Span<float> destination, int begin, int end)
    {
        for (int plane = begin; plane < end; plane++)
        {
            ReadOnlySpan<float> x = source.Slice(plane * pixels, pixels);
            Span<float> y = destination.Slice(plane * pixels, pixels);
            (float mean, float inverse) = Statistics(x, epsilon);
            Elementwise.Map(x, new Centred(mean, inverse), y);
            Elementwise.Map(y, new ScaleThenShift(gamma[plane % channels], beta[plane % channels]), y);
        }
    }

    /// <summary>
    /// Planes [image][channel] of <paramref name="pixels"/> values: m = fl(γ / √(σ² + ε)), c = fl(β − fl(μ · m)), y = fma(x, m, c).
    /// </summary>
    public static void Batch(ReadOnlySpan<float> source, int pixels, in ChannelStatistics statistics, Span<float> destination, int begin, int end)
    {
        int channels = statistics.Gamma.Length;
        for (int plane = begin; plane < end; plane++)
        {
            (float multiplier, float offset) = statistics.Factors(plane % channels);
            Elementwise.Map(source.Slice(plane * pixels, pixels), new FusedScale(multiplier, offset), destination.Slice(plane * pixels, pixels));
        }
    }

    /// <summary>
    /// Planes [image][channel]: s = chain fma(v, v, s) from +0 over the channels c − ⌊(size − 1)/2⌋ … c + ⌊size/2⌋ that exist, ascending;
    /// y = fl(x / pow(fma(fl(α / size), s, bias), β)).
    /// </summary>
    public static void LocalResponse(
        ReadOnlySpan<float> source, int channels, int pixels, in LocalResponseWindow window, Span<float> destination, int begin, int end)
    {
        Span<float> sums = Scratch.Floats(pixels);
        for (int plane = begin; plane < end; plane++)
        {
            int channel = plane % channels;
            int first = Math.Max(channel - ((window.Size - 1) / 2), 0);
            int last = (int)Math.Min((long)channel + (window.Size / 2), channels - 1);
            sums.Clear();
            for (int c = first; c <= last; c++)
            {
                AddSquares(source.Slice((plane + c - channel) * pixels, pixels), sums);
            }

            Elementwise.Map(sums, new FusedScale(window.Alpha / window.Size, window.Bias), sums);
            Elementwise.Combine(sums, [window.Beta], default(BinaryFunctions.Power), sums);
            Elementwise.Combine(source.Slice(plane * pixels, pixels), sums, default(BinaryFunctions.Divide), destination.Slice(plane * pixels, pixels));
        }
    }

    private static void AddSquares(ReadOnlySpan<float> values, Span<float> sums)
        => Elementwise.Combine(values, sums, default(SquareChain), sums);

    private static (float Mean, float Inverse) Statistics(ReadOnlySpan<float> values, float epsilon)
    {
        float mean = FloatReduction.Sum(values) / values.Length;
        float variance = FloatReduction.SumSquaredDifferences(values, mean) / values.Length;
        return (mean, 1 / MathF.Sqrt(variance + epsilon));
    }

    private readonly struct Centred(float mean, float inverse) : IUnaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => (x - T.Create(mean)) * T.Create(inverse);
    }

    private readonly struct ScaleThenShift(float scale, float shift) : IUnaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => (x * T.Create(scale)) + T.Create(shift);
    }

    private readonly struct FusedScale(float multiplier, float offset) : IUnaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Fma(x, T.Create(multiplier), T.Create(offset));
    }

    private readonly struct SquareChain : IBinaryFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Fma(a, a, b);
    }
}
