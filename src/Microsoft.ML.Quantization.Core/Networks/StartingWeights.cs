using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>Draws weights.</summary>
internal static class StartingWeights
{
    /// <summary>Weights [O, I, ..].</summary>
    /// <param name="start">What from.</param>
    /// <param name="shape">[O, I, ..].</param>
    /// <param name="seed">Seed.</param>
    /// <param name="site">The layer's number.</param>
    public static Tensor Draw(WeightStart start, Shape shape, ulong seed, ulong site)
    {
        var random = new CounterRandom(seed, site);
        int kernel = shape.CountOf(Math.Min(2, shape.Rank), shape.Rank);
        double inputs = shape.CountOf(1, shape.Rank);
        double both = inputs + ((double)shape[0] * kernel);
        (double size, bool normal) = start switch
        {
            WeightStart.HeUniform => (Math.Sqrt(6 / inputs), false),
            WeightStart.HeNormal => (Math.Sqrt(2 / inputs), true),
            WeightStart.GlorotUniform => (Math.Sqrt(1.5 / both), false),
            WeightStart.GlorotNormal => (Math.Sqrt(2 / both), true),
            WeightStart.Unit => (1, false),
            _ => throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Starting weights: expected one of {nameof(WeightStart)}, found {start}."),
        };
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(size * (normal ? random.Normal(i) : (2.0 * random.Uniform(i)) - 1));
        }

        return Tensor.Create(shape, values);
    }
}
