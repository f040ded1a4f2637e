using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>The parts of <see cref="BinaryNetworks.DenseNet"/>.</summary>
internal static class DenseNetwork
{
    private const int ChannelStep = 32;

    /// <summary>The network.</summary>
    public static Graph Build(Shape input, IReadOnlyList<int> units, IReadOnlyList<double> reductions, int growth, int classes, ulong seed, IReadOnlyList<int> dilations)
    {
        Check(units, reductions, dilations);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.NormalizedConvolution("conv1", layers.Input(input), growth, 3);
        for (int stage = 0; stage < units.Count; stage++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"stage{stage + 1}");
            for (int unit = 0; unit < units[stage]; unit++)
            {
                string own = string.Create(CultureInfo.InvariantCulture, $"{name}.unit{unit + 1}");
                ValueId grown = layers.Convolution(own, layers.Normalize(own + ".bn", x), growth, 3, 1, hasBias: false, dilations[stage]);
                x = layers.Concat(own + ".concat", x, grown);
            }

            if (stage < reductions.Count)
            {
                int channels = Reduced(layers.Channels(x), reductions[stage], Math.Min(ChannelStep, growth));
                x = Transition(layers, name, x, channels, isPooled: dilations[stage + 1] == 1);
            }
        }

        x = layers.GlobalAverage("mean", layers.Relu("relu", layers.Normalize("bn", x)));
        return layers.Build(layers.Dense("scores", x, classes));
    }

    /// <summary>step·round(⌊C / r⌋ / step), halves to the even number, from one step.</summary>
    /// <param name="channels">C.</param>
    /// <param name="reduction">r. Its remainder is exact, so that the floor is that of the exact quotient.</param>
    /// <param name="step">What the result is a multiple of.</param>
    internal static int Reduced(int channels, double reduction, int step)
    {
        double whole = Rounding.HalfToEven((channels - (channels % reduction)) / reduction);
        return Math.Max(1, (int)Rounding.HalfToEven(whole / step)) * step;
    }

    private static ValueId Transition(LayerBuilder layers, string name, ValueId x, int channels, bool isPooled)
    {
        ValueId y = layers.Normalize(name + ".bn", x);
        y = layers.Relu(name + ".relu", isPooled ? layers.Pool(name + ".pool", y) : y);
        return layers.Convolution(name + ".reduce", y, channels, 1, 1, hasBias: false);
    }

    private static void Check(IReadOnlyList<int> units, IReadOnlyList<double> reductions, IReadOnlyList<int> dilations)
    {
        if (reductions.Count != units.Count - 1 || reductions.Any(r => !(r >= 1)))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"DenseNet: expected one reduction from 1 between two stages, found {string.Join(", ", reductions.Select(r => r.ToString(CultureInfo.InvariantCulture)))} for {units.Count} stages."));
        }

        if (dilations.Count != units.Count || dilations.Any(d => d < 1))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"DenseNet: expected one dilation from 1 for each stage, found {string.Join(", ", dilations)} for {units.Count} stages."));
        }
    }
}
