using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Gradients of DoReFa-Net (Zhou et al., 2016, equation 12), each row of the batch by itself: m = max|g|, code = round(clamp(n·(g/2m + ½) + N, 0, n)), N uniform on [−½, ½),
/// g' = (2·code − n)·m/n, n = 2^k − 1. The expectation of g' is g; zero is no level. Rows of zeros stay zeros.
/// </summary>
public sealed record DoReFaGradients : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "DoReFa-G";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Gradients;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    /// <summary>Each row of the batch.</summary>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override object Prepare(MethodCall call) => GradientRows.Sizes(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y) => call.Values.Slice(begin, y.Length).CopyTo(y);

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
    {
        CounterRandom random = call.Random;
        float size = GradientRows.Size(call, prepared!, begin);
        Span<float> noise = stackalloc float[UniformGrid.Noise];
        for (int from = 0; from < g.Length; from += UniformGrid.Noise)
        {
            int count = Math.Min(UniformGrid.Noise, g.Length - from);
            UniformGrid.Uniform(random, begin + from, noise[..count]);
            Quantize(g.Slice(from, count), noise, size, (1 << Bits) - 1, dx.Slice(from, count));
        }
    }

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => throw GradientRows.HasNoHardForm(this);

    /// <summary>The formula itself; noise in [0, 1) is N + ½.</summary>
    internal static void Quantize(ReadOnlySpan<float> g, ReadOnlySpan<float> noise, float size, int steps, Span<float> dx)
    {
        if (size == 0)
        {
            dx.Clear();
            return;
        }

        LaneMap.Map(new Level(size, steps), g, noise, dx);
    }

    private readonly struct Level(float size, int steps) : ILaneFunction2
    {
        public T Of<T>(T x, T g)
            where T : unmanaged, ILanes<T>
        {
            T hi = T.Create(steps);
            T u = (hi * ((x / T.Create(2 * size)) + T.Create(0.5f))) + (g - T.Create(0.5f));
            u = T.Round(T.Select(T.Less(u, T.Create(0)), T.Create(0), T.Select(T.Less(hi, u), hi, u)));
            return (u + u - hi) * T.Create(size / steps);
        }
    }
}
