using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Biases in accumulators: code = halfToEven(b / (sx·sw[c])) in double. A channel whose bias would not fit gets a larger sw, so that products, not the
/// bias, lose resolution; a channel of zeros only gets the sw that represents its bias well.
/// </summary>
internal static class BiasRules
{
    private const double Limit = 1 << 30;
    private const double Fine = 1 << 20;

    /// <summary>Up to this many bits of weight and activation together, half an accumulator step is too coarse for a bias: the rest goes into the requantization's offset.</summary>
    private const int CoarseBits = 13;

    /// <summary>The quantizer with scales enlarged where |b| / (sx·sw) exceeds 2^30, and set for the bias where a channel has no other weights than zeros.</summary>
    public static AffineQuantization Fit(AffineQuantization quantizer, Tensor weights, float inputScale, Tensor bias)
    {
        ReadOnlySpan<float> values = bias.Values<float>();
        ReadOnlySpan<float> all = weights.Values<float>();
        int length = all.Length / values.Length;
        ImmutableArray<float>.Builder scales = quantizer.Scales.ToBuilder();
        for (int c = 0; c < values.Length; c++)
        {
            int group = scales.Count == 1 ? 0 : c;
            double needed = Math.Abs((double)values[c]) / (inputScale * Limit);
            if (needed > scales[group])
            {
                scales[group] = MathF.BitIncrement((float)needed);
            }
            else if (scales.Count > 1 && !all.Slice(c * length, length).ContainsAnyExcept(0f))
            {
                scales[c] = OfZeros(inputScale, values[c]);
            }
        }

        return quantizer with { Scales = scales.ToImmutable() };
    }

    /// <summary>The scale of a channel whose weights are all zero: any scale gives the same codes, this one gives its bias 20 bits.</summary>
    private static float OfZeros(float inputScale, float bias)
    {
        double scale = Math.Abs((double)bias) / (inputScale * Fine);
        return scale is > 1.2e-38 and < 3e38 ? (float)scale : 1;
    }

    /// <summary>The codes, and the reals that rounding them leaves over where steps are coarse (zeros otherwise).</summary>
    public static (int[] Codes, double[] Remainder) Round(float[] bias, double[] steps, int bits)
    {
        int[] codes = [.. bias.Select((b, c) => (int)Math.Clamp(Rounding.HalfToEven(b / steps[c]), -int.MaxValue, int.MaxValue))];
        double[] rest = [.. bias.Select((b, c) => bits <= CoarseBits ? b - (codes[c] * steps[c]) : 0)];
        return (codes, rest);
    }
}
