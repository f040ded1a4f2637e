using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Dropout behind a value, in training only: each element is 0 with the given probability and otherwise divided by 1 − Rate (Srivastava et al., 2014, inverted form).
/// The choice is a pure function of seed, place in the list, step and index. The graph itself holds no such node.
/// </summary>
/// <param name="Value">The value's name; a node's only output bears the node's name.</param>
/// <param name="Rate">Probability of 0, in [0, 1).</param>
public sealed record DropoutSite(string Value, float Rate);

/// <summary>The dropout of one training step.</summary>
internal sealed record Dropout(ImmutableArray<DropoutSite> Sites, ulong Seed, long Step)
{
    private const ulong Site = 0xD50;

    /// <summary>The factors of a value, or null where it has none.</summary>
    public Tensor? Factors(string value, Shape shape)
    {
        for (int site = 0; site < Sites.Length; site++)
        {
            if (Sites[site].Value == value)
            {
                return Factors(new CounterRandom(Seed, Site + (ulong)site, (ulong)Step), Sites[site].Rate, shape);
            }
        }

        return null;
    }

    /// <summary>fl(values · factors).</summary>
    public static Tensor Apply(Tensor values, Tensor factors)
    {
        Tensor result = Tensor.Allocate(ElementType.Float32, values.Shape);
        ReadOnlySpan<float> a = values.Values<float>();
        ReadOnlySpan<float> b = factors.Values<float>();
        Span<float> y = result.Writable<float>();
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = a[i] * b[i];
        }

        return result;
    }

    private static Tensor Factors(CounterRandom random, float rate, Shape shape)
    {
        Tensor factors = Tensor.Allocate(ElementType.Float32, shape);
        Span<float> values = factors.Writable<float>();
        float kept = 1 / (1 - rate);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.Uniform(i) < rate ? 0 : kept;
        }

        return factors;
    }
}
