using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing.Steps;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// Thresholds behind a layer on bytes as a requantizer, so that no accumulator is written to memory. Where all n thresholds of a channel are one number T, the code is 0 or n, and with accumulators
/// and thresholds that floats hold exactly
/// <code>
/// n = 1, rising:  halfToEven(clamp(acc / 2 + (1 − T/2), 0, 1))    1 at T; 1/2 at T − 1, which rounds to 0
/// n = 2, rising:  halfToEven(clamp(acc + (3/2 − T), 0, 2))        3/2 at T, which rounds to 2; 1/2 at T − 1, which rounds to 0
/// </code>
/// and likewise with −acc and −T where the channel falls.
/// </summary>
internal static class SingleStep
{
    /// <summary>The largest accumulator with which the terms are exact: a half more than one behind it has 24 bits. Sums far from T may be rounded, and are clamped.</summary>
    public const long MostReach = (1 << 23) - 2;

    private const int MostSteps = 2;

    /// <summary>The requantizer that the thresholds are, or null where they are none.</summary>
    /// <param name="node">Thresholds over int32.</param>
    /// <param name="bias">Of the layer, for the epilogue.</param>
    /// <param name="reach">The largest magnitude that an accumulator is proved to have.</param>
    public static EpilogueData? Of(Thresholds node, int[] bias, long reach)
    {
        if (reach > MostReach || node.Count > MostSteps || !ThresholdData.Fits(node.Result))
        {
            return null;
        }

        int channels = bias.Length;
        if (!Enumerable.Range(0, node.Channels).All(c => IsOne(node, c)))
        {
            return null;
        }

        var multipliers = new float[channels];
        var offsets = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            (multipliers[c], offsets[c]) = Line(node.Integers[node.Start(c)], node.Direction(c), node.Count, (int)reach);
        }

        return new EpilogueData { Bias = bias, Multipliers = multipliers, Offsets = offsets, Output = AccumulatorOutput.UInt8, Maximum = node.Count };
    }

    /// <summary>m and b of one channel. A threshold that no accumulator reaches, or that all do, is as good just outside of the reach.</summary>
    internal static (float Multiplier, float Offset) Line(int threshold, int direction, int count, int reach)
    {
        float slope = count == 1 ? 0.5f : 1;
        int place = direction > 0 ? Math.Clamp(threshold, -reach, reach + 1) : -Math.Clamp(threshold, -reach - 1, reach);
        return (direction > 0 ? slope : -slope, count == 1 ? 1 - (slope * place) : 1.5f - place);
    }

    private static bool IsOne(Thresholds node, int channel)
    {
        int start = node.Start(channel);
        return node.Integers.AsSpan(start, node.Count).IndexOfAnyExcept(node.Integers[start]) < 0;
    }
}
