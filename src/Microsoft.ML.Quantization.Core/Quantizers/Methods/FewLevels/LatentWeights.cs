using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>What methods do to latent weights behind a step.</summary>
internal static class LatentWeights
{
    private const int HalfBits = 16;

    /// <summary>w ← clip(w, −bound, bound); nothing for an infinite bound.</summary>
    public static void Clip(Span<float> weights, float bound)
    {
        if (!float.IsPositiveInfinity(bound))
        {
            LaneMap.Map(new Clamp(bound), weights, weights);
        }
    }

    /// <summary>Multiplies a step: w ← before + factor · (w − before).</summary>
    public static void Stretch(ReadOnlySpan<float> before, Span<float> weights, float factor) => LaneMap.Map(new Longer(factor), before, weights, weights);

    /// <summary>√(1.5 / (inputs + outputs)) of a layer [O, I, ..], both counted with the kernel (Glorot and Bengio, 2010, as Courbariaux et al., 2015, use it).</summary>
    public static float Glorot(Shape shape) => (float)Math.Sqrt(1.5 / (shape.CountOf(1, shape.Rank) + ((double)shape[0] * shape.CountOf(Math.Min(2, shape.Rank), shape.Rank))));

    /// <summary>Subtracts from each output channel its mean over input channels, at each place of the kernel. A layer of one input channel stays.</summary>
    public static void Centre(Shape shape, Span<float> weights)
    {
        int channels = shape.Rank > 1 ? shape[1] : 1;
        int inner = shape.CountOf(Math.Min(2, shape.Rank), shape.Rank);
        for (int i = 0; channels > 1 && i < shape[0] * inner; i++)
        {
            int first = (i / inner * channels * inner) + (i % inner);
            double sum = 0;
            for (int c = 0; c < channels; c++)
            {
                sum += weights[first + (c * inner)];
            }

            var mean = (float)(sum / channels);
            for (int c = 0; c < channels; c++)
            {
                weights[first + (c * inner)] -= mean;
            }
        }
    }

    /// <summary>mean |w|.</summary>
    public static float MeanSize(ReadOnlySpan<float> weights) => (float)(FloatReduction.SumAbsolute(weights) / (double)Math.Max(1, weights.Length));

    /// <summary>max |w|.</summary>
    public static float LargestSize(ReadOnlySpan<float> weights) => Math.Max(0, Math.Max(FloatReduction.Max(weights), -FloatReduction.Min(weights)));

    /// <summary>The |w| that stands at a place, from 0, of all sizes in ascending order; NaN counts as the largest. By counting halves of their bits, which for floats from 0 ascend with them, so in a time that grows with their number alone.</summary>
    public static float SizeAt(ReadOnlySpan<float> weights, int place)
    {
        (uint high, int left) = Half(weights, 0, place);
        (uint low, _) = Half(weights, high, left, isLow: true);
        return BitConverter.UInt32BitsToSingle((high << HalfBits) | low);
    }

    /// <summary>The higher half of the bits at a place, or the lower half among those of one higher half; and the place within it.</summary>
    private static (uint Half, int Place) Half(ReadOnlySpan<float> weights, uint high, int place, bool isLow = false)
    {
        var counts = new int[1 << HalfBits];
        foreach (float weight in weights)
        {
            uint bits = BitConverter.SingleToUInt32Bits(weight) & int.MaxValue;
            if (!isLow)
            {
                counts[bits >> HalfBits]++;
            }
            else if (bits >> HalfBits == high)
            {
                counts[bits & ushort.MaxValue]++;
            }
        }

        uint half = 0;
        for (; place >= counts[half]; half++)
        {
            place -= counts[half];
        }

        return (half, place);
    }

    private readonly struct Clamp(float bound) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T high = T.Create(bound);
            T low = T.Create(-bound);
            return T.Select(T.Less(x, low), low, T.Select(T.Less(high, x), high, x));
        }
    }

    private readonly struct Longer(float factor) : ILaneFunction2
    {
        public T Of<T>(T before, T after)
            where T : unmanaged, ILanes<T> => before + (T.Create(factor) * (after - before));
    }
}
