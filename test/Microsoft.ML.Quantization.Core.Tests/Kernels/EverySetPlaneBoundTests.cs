using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>
/// Law: accumulators are exact up to the bound that was proved. Weights and codes at the ends of their kinds, with a bias that brings the sums to 2^31 − 1 and to one step within, and to their
/// negatives, in every available set; thresholds at the sum and beside it.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetPlaneBoundTests
{
    private static readonly PlainKernels _plain = new();

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void SumsAtTheEndsOfTheIntegersAreExact(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (Extreme test in All())
        {
            float[] multipliers = [.. test.Bias.Select(_ => 5e-8f)];
            float[] offsets = [.. test.Bias.Select(_ => 0.25f)];
            foreach (AccumulatorOutput output in new[] { AccumulatorOutput.Int32, AccumulatorOutput.UInt8, AccumulatorOutput.Float32 })
            {
                PlaneEpilogue Epilogue() => new()
                {
                    Integer = new()
                    {
                        Bias = test.Bias,
                        Multipliers = multipliers,
                        Offsets = offsets,
                        Output = output,
                        ZeroPoint = 128,
                        Maximum = 255,
                        Low = float.NegativeInfinity,
                        High = float.PositiveInfinity,
                    },
                };
                long bytes = test.Geometry.Convolution.OutLength * KernelCheck.ElementSize(output);
                KernelAssert.SameBytes(Run(_plain, test, Epilogue(), bytes), Run(set, test, Epilogue(), bytes), $"{test.Geometry}, {name}, {output}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void ThresholdsBesideSuchSumsAreExact(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        foreach (Extreme test in All())
        {
            int channels = test.Geometry.Convolution.OutChannels;
            int[] directions = [.. Enumerable.Range(0, channels).Select(c => c % 3 == 0 ? -1 : 1)];
            foreach ((int count, int bits) in new[] { (1, 0), (3, 0), (1, 1), (3, 2) })
            {
                for (int shift = -1; shift <= 1; shift++)
                {
                    int[] values = [.. Enumerable.Range(0, count * channels).Select(i => Threshold(test.Ends[i % channels], i / channels, shift))];
                    PlaneEpilogue Epilogue() => new()
                    {
                        Integer = new() { Bias = test.Bias },
                        Thresholds = new() { Count = count, Values = values, Directions = directions, PlaneBits = bits },
                    };
                    long bytes = Epilogue().Thresholds.DestinationBytes(test.Geometry.Convolution.OutPixels, channels);
                    KernelAssert.SameBytes(Run(_plain, test, Epilogue(), bytes), Run(set, test, Epilogue(), bytes), $"{test.Geometry}, {name}, {count} thresholds, {bits} bits, {shift}");
                }
            }
        }
    }

    /// <summary>Beside the sum, at the other end of the integers, and beside the sum once more.</summary>
    private static int Threshold(int end, int index, int shift) => index == 1 ? -end : (int)Math.Clamp((long)end + shift + index, int.MinValue, int.MaxValue);

    /// <summary>Every pairing over more words than a byte counts, and with padding.</summary>
    private static IEnumerable<Extreme> All()
    {
        int padding = -1;
        foreach ((PlaneKind source, int sourceBits, PlaneKind weights, int weightBits) in PlaneCases.Pairings)
        {
            yield return Extreme.Of(new PlaneGeometry(ConvolutionGeometry.Dense(3, 1100, 35), source, sourceBits, weights, weightBits));
            yield return Extreme.Of(new PlaneGeometry(KernelCases.Image(3, 2, 3, 130, 12, 3, 1, 1), source, sourceBits, weights, weightBits) { PaddingCode = padding });
            padding = padding == 1 ? -1 : padding + 1;
        }
    }

    private static byte[] Run(KernelSet set, Extreme test, in PlaneEpilogue epilogue, long bytes)
    {
        byte[] destination = new byte[bytes];
        using PackedWeights packed = set.PackConvolutionPlanes(test.Geometry, test.Weights);
        set.ConvolutionPlanes(test.Geometry, test.Source, packed, epilogue, destination, 0, set.CountConvolutionPlanesTiles(test.Geometry));
        return destination;
    }

    /// <summary>Rows of the highest code, of the lowest one and of any; outputs of the highest weights and of the lowest, the sums of which reach Ends.</summary>
    private sealed record Extreme(PlaneGeometry Geometry, uint[] Source, sbyte[] Weights, int[] Bias, int[] Ends)
    {
        public static Extreme Of(PlaneGeometry geometry)
        {
            ConvolutionGeometry g = geometry.Convolution;
            int image = (int)(g.InLength / g.Batch);
            byte[] codes = KernelOperands.Codes(g.InLength, 3, 1, false);
            codes.AsSpan(0, image).Fill((byte)((1 << geometry.SourceBits) - 1));
            codes.AsSpan(image, image).Clear();
            uint[] source = new uint[geometry.InWords];
            _plain.PackPlanes(codes.Length / g.InChannels, g.InChannels, geometry.SourceBits, codes, source);
            (int least, int most) = PlaneGeometry.CodesOf(geometry.WeightKind, geometry.WeightBits);
            sbyte[] weights = new sbyte[g.OutChannels * g.Depth];
            for (int o = 0; o < g.OutChannels; o++)
            {
                weights.AsSpan(o * g.Depth, g.Depth).Fill((sbyte)(o / 2 % 2 == 0 ? most : least));
            }

            int[] sums = Sums(geometry, source, weights);
            int[] bias = new int[g.OutChannels];
            int[] ends = new int[g.OutChannels];
            for (int o = 0; o < bias.Length; o++)
            {
                int[] own = [.. sums.Where((_, i) => i % bias.Length == o)];
                int end = int.MaxValue - (o % 2);
                bool high = o / 4 % 2 == 0;
                bias[o] = high ? end - Math.Max(own.Max(), 0) : -end - Math.Min(own.Min(), 0);
                ends[o] = high ? end : -end;
            }

            return new Extreme(geometry, source, weights, bias, ends);
        }

        private static int[] Sums(PlaneGeometry geometry, uint[] source, sbyte[] weights)
        {
            ConvolutionGeometry g = geometry.Convolution;
            int[] sums = new int[g.OutLength];
            using PackedWeights packed = _plain.PackConvolutionPlanes(geometry, weights);
            PlaneEpilogue epilogue = new() { Integer = new() { Bias = new int[g.OutChannels], Output = AccumulatorOutput.Int32 } };
            _plain.ConvolutionPlanes(geometry, source, packed, epilogue, System.Runtime.InteropServices.MemoryMarshal.AsBytes(sums.AsSpan()), 0, _plain.CountConvolutionPlanesTiles(geometry));
            return sums;
        }
    }
}
