using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The constants of a batch normalisation, one of each a channel.</summary>
internal readonly ref struct ChannelStatistics
{
    public ReadOnlySpan<float> Gamma { get; init; }

    public ReadOnlySpan<float> Beta { get; init; }

    public ReadOnlySpan<float> Mean { get; init; }

    public ReadOnlySpan<float> Variance { get; init; }

    public float Epsilon { get; init; }

    /// <summary>m = fl(γ / √(σ² + ε)) and c = fl(β − fl(μ · m)).</summary>
    public (float Multiplier, float Offset) Factors(int channel)
    {
        float multiplier = Gamma[channel] / MathF.Sqrt(Variance[channel] + Epsilon);
        float shift = Mean[channel] * multiplier;
        return (multiplier, Beta[channel] - shift);
    }
}
