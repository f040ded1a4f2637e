using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>One layer over bit planes with the seed of its operands.</summary>
/// <param name="Name">What it exercises.</param>
/// <param name="Geometry">Sizes and kinds.</param>
/// <param name="Seed">Seed of the operands.</param>
public sealed record PlaneCase(string Name, PlaneGeometry Geometry, ulong Seed)
{
    /// <inheritdoc/>
    public override string ToString()
        => string.Create(
            CultureInfo.InvariantCulture,
            $"{Name} (seed {Seed}, source {Geometry.SourceKind} {Geometry.SourceBits}, weights {Geometry.WeightKind} {Geometry.WeightBits}, padding {Geometry.PaddingCode})");
}

/// <summary>The layers over bit planes that every kernel set is tested with, and their operands.</summary>
public static class PlaneCases
{
    /// <summary>Every pair of kinds and bits.</summary>
    public static IReadOnlyList<(PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits)> Pairings { get; } = FindPairings();

    /// <summary>Every pairing over some random sizes, then the geometries of <see cref="KernelCases.Convolutions"/> with pairings in turn.</summary>
    public static IEnumerable<PlaneCase> All()
    {
        ulong seed = 5000;
        foreach (var (source, sourceBits, weights, weightBits) in Pairings)
        {
            for (int i = 0; i < 3; i++, seed++)
            {
                yield return new("pairing", new PlaneGeometry(Sizes(seed), source, sourceBits, weights, weightBits) { PaddingCode = i - 1 }, seed);
            }
        }

        foreach (KernelCase test in KernelCases.Convolutions())
        {
            var (source, sourceBits, weights, weightBits) = Pairings[(int)(seed++ % (ulong)Pairings.Count)];
            ConvolutionGeometry g = test.Geometry;
            g = PlaneGeometry.GroupsFit(g) ? g : g with { InChannels = g.Groups * 32 };
            yield return new(test.Name, new PlaneGeometry(g, source, sourceBits, weights, weightBits) { PaddingCode = (int)(seed % 3) - 1 }, seed);
        }
    }

    /// <summary>Source planes of random codes.</summary>
    public static uint[] Source(PlaneCase test)
    {
        PlaneGeometry g = test.Geometry;
        return Planes((int)(g.Convolution.InLength / g.Convolution.InChannels), g.Convolution.InChannels, g.SourceBits, test.Seed);
    }

    /// <summary>Planes of random codes.</summary>
    public static uint[] Planes(int pixels, int channels, int bits, ulong seed)
    {
        uint[] planes = new uint[PlaneLayout.Length(pixels, channels, bits)];
        new PlainKernels().PackPlanes(pixels, channels, bits, KernelOperands.Codes((long)pixels * channels, seed, 1, false), planes);
        return planes;
    }

    /// <summary>Random weight codes over the whole range; every seventh seed the lowest code only, every eighth the highest.</summary>
    public static sbyte[] Weights(PlaneCase test)
    {
        (int minimum, int maximum) = PlaneGeometry.CodesOf(test.Geometry.WeightKind, test.Geometry.WeightBits);
        CounterRandom random = new(test.Seed, 2);
        sbyte[] weights = new sbyte[(long)test.Geometry.Convolution.Depth * test.Geometry.Convolution.OutChannels];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (sbyte)(test.Seed % 7 == 0 ? minimum : test.Seed % 8 == 0 ? maximum : random.Integer(i, minimum, maximum));
        }

        return weights;
    }

    /// <summary>Thresholds near the sums of a layer, [count][channels]: falling and rising channels, equal, unordered and boundless ones.</summary>
    public static (int[] Values, int[] Directions) Thresholds(int count, int channels, int depth, ulong seed)
    {
        CounterRandom random = new(seed, 3);
        int reach = (int)(3 * Math.Sqrt(depth)) + 1;
        int[] values = new int[count * channels];
        int[] directions = new int[channels];
        for (int c = 0; c < channels; c++)
        {
            directions[c] = random.Integer(c, 0, 2) == 0 ? -1 : 1;
            for (int t = 0; t < count; t++)
            {
                int at = (t * channels) + c;
                values[at] = random.Integer(10000 + at, 0, 9) switch
                {
                    0 => int.MinValue,
                    1 => int.MaxValue,
                    _ => random.Integer(20000 + at, -reach, reach),
                };
            }
        }

        return (values, directions);
    }

    private static List<(PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits)> FindPairings()
    {
        List<(PlaneKind, int, PlaneKind, int)> pairings = [];
        foreach (PlaneKind source in new[] { PlaneKind.MidRise, PlaneKind.Unsigned })
        {
            for (int bits = 0; bits < 4; bits++)
            {
                foreach (PlaneKind weights in Enum.GetValues<PlaneKind>())
                {
                    if (weights != PlaneKind.Ternary || bits >= 2)
                    {
                        pairings.Add((source, 1 + (bits & 1), weights, 1 + (bits >> 1)));
                    }
                }
            }
        }

        return pairings;
    }

    private static ConvolutionGeometry Sizes(ulong seed)
    {
        CounterRandom random = new(seed, 9);
        int groups = random.Integer(0, 0, 3) == 0 ? 2 : 1;
        int channels = groups == 1 ? random.Integer(1, 1, 100) : 64 * random.Integer(2, 1, 2);
        int kernel = random.Integer(3, 1, 3);
        int stride = random.Integer(4, 1, 2);
        int dilation = random.Integer(5, 1, 2);
        int reach = (kernel - 1) * dilation;
        int pad = random.Integer(6, 0, reach);
        int height = random.Integer(7, 1, 9) + reach;
        int width = random.Integer(8, 1, 9) + reach;
        return KernelCases.Image(1 + random.Integer(9, 0, 1), height, width, channels, groups * random.Integer(10, 1, 50), kernel, stride, pad) with
        {
            Groups = groups,
            DilationHeight = dilation,
            DilationWidth = dilation,
            OutHeight = ((height + (2 * pad) - reach - 1) / stride) + 1,
            OutWidth = ((width + pad - reach - 1) / stride) + 1,
        };
    }
}
