using System;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>
/// Law: native kernels touch nothing outside their spans. Every span lies against a page without access, behind it and
/// then before it; a wrong byte ends the test process.
/// </summary>
[TestClass]
public sealed class GuardPageTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ConvolutionStaysInside(bool atEnd)
    {
        foreach (KernelSet set in Native())
        {
            foreach (KernelCase test in KernelCases.Convolutions())
            {
                FloatConvolution(set, test, atEnd);
                foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
                {
                    ByteConvolution(set, test, output, atEnd);
                }
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ChannelwiseStaysInside(bool atEnd)
    {
        foreach (KernelSet set in Native())
        {
            foreach (KernelCase test in KernelCases.Channelwise())
            {
                DepthwiseFloat(set, test, atEnd);
                DepthwiseByteAndPools(set, test, atEnd);
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void PlanesStayInside(bool atEnd)
    {
        foreach (KernelSet set in Native())
        {
            foreach (PlaneCase test in PlaneCases.All())
            {
                AccumulatorOutput output = (AccumulatorOutput)(test.Seed % 4);
                PlaneValues(set, test, output, atEnd);
                bool words = test.Geometry.Convolution.Groups == 1;
                PlaneCodes(set, test, words ? 1 + (int)(test.Seed % 2) : 0, atEnd);
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void DenseLayersOfNarrowWeightsStayInside(bool atEnd)
    {
        foreach (KernelSet set in Native())
        {
            for (int seed = 0; seed < 56; seed++)
            {
                CounterRandom random = new(8, (ulong)seed);
                int rows = random.Integer(0, 1, 11);
                Narrow(set, new NarrowGeometry(rows, random.Integer(1, 1, 150), random.Integer(2, 1, 140), 1 + (seed % 7), 1), (AccumulatorOutput)(seed % 4), (ulong)seed, atEnd);
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ElementwiseStaysInside(bool atEnd)
    {
        foreach (KernelSet set in Native())
        {
            for (int length = 0; length < 70; length++)
            {
                using GuardedMemory floats = GuardedMemory.Of<float>(KernelOperands.Floats(length, 1, 1), atEnd);
                using GuardedMemory codes = GuardedMemory.Of<byte>(KernelOperands.Codes(length, 1, 2, false), atEnd);
                using GuardedMemory bytes = new(length, atEnd);
                using GuardedMemory reals = new(length * sizeof(float), atEnd);
                set.QuantizeFloat(floats.Span<float>(), 0.1f, 3, 0, 255, bytes.Span<byte>());
                set.AddByte(codes.Span<byte>(), 1, 0.5f, bytes.Span<byte>(), 2, 0.25f, 3, 0, 255, bytes.Span<byte>());
                set.DequantizeByte(codes.Span<byte>(), 0.5f, 7, reals.Span<float>());
            }
        }
    }

    private static KernelSet[] Native()
    {
        KernelSet[] sets = [.. KernelRegistry.Available.Where(s => s is NativeKernels)];
        if (sets.Length == 0)
        {
            Assert.Inconclusive(KernelRegistry.Why);
        }

        return sets;
    }

    private static void FloatConvolution(KernelSet set, KernelCase test, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry;
        using GuardedMemory weights = GuardedMemory.Of<float>(KernelOperands.Floats((long)g.Depth * g.OutChannels, test.Seed, 2), atEnd);
        using GuardedMemory source = GuardedMemory.Of<float>(KernelOperands.Floats(g.InLength, test.Seed, 1), atEnd);
        using GuardedMemory bias = GuardedMemory.Of<float>(KernelOperands.Floats(g.OutChannels, test.Seed, 3), atEnd);
        using GuardedMemory destination = new((int)g.OutLength * sizeof(float), atEnd);
        using PackedWeights packed = set.PackConvolutionFloat(g, weights.Span<float>());
        set.ConvolutionFloat(
            g, source.Span<float>(), packed, bias.Span<float>(), -2, float.PositiveInfinity, destination.Span<float>(), 0, set.CountConvolutionFloatTiles(g));
        KernelAssert.SameBytes(EverySetConvolutionTests.RunFloat(set, test, 1), destination.Span<byte>(), $"{test}, {set.Name}");
    }

    private static void ByteConvolution(KernelSet set, KernelCase test, AccumulatorOutput output, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry;
        using GuardedMemory weights = GuardedMemory.Of<sbyte>(EverySetConvolutionTests.Weights(test), atEnd);
        using GuardedMemory source = GuardedMemory.Of<byte>(KernelOperands.Codes(g.InLength, test.Seed, 1, test.Extreme), atEnd);
        using GuardedMemory destination = new((int)g.OutLength * KernelCheck.ElementSize(output), atEnd);
        using GuardedEpilogue epilogue = new(KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, output), atEnd);
        using PackedWeights packed = set.PackConvolutionByte(g, weights.Span<sbyte>());
        set.ConvolutionByte(g, source.Span<byte>(), 117, packed, epilogue.Value, destination.Span<byte>(), 0, set.CountConvolutionByteTiles(g));
        KernelAssert.SameBytes(EverySetConvolutionTests.RunCode(set, test, output, 1), destination.Span<byte>(), $"{test}, {set.Name}, {output}");
        if (g.WeightBits == 0)
        {
            Codebook(set, test, source, epilogue, destination, atEnd);
            ByteConvolution(set, test with { Geometry = g with { WeightBits = 7 } }, output, atEnd);
        }
    }

    private static void Codebook(KernelSet set, KernelCase test, GuardedMemory source, GuardedEpilogue epilogue, GuardedMemory destination, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry;
        byte[] plain = [.. KernelOperands.Codes((long)g.Depth * g.OutChannels, test.Seed, 4, false).Select(c => (byte)(c & 15))];
        sbyte[] sixteen = [.. Enumerable.Range(0, g.OutChannels * 16).Select(i => (sbyte)((i % 16 * 9) - 70))];
        using GuardedMemory codes = GuardedMemory.Of<byte>(plain, atEnd);
        using GuardedMemory levels = GuardedMemory.Of<sbyte>(sixteen, atEnd);
        using PackedWeights packed = set.PackConvolutionCodebook(g, codes.Span<byte>(), levels.Span<sbyte>());
        using PackedWeights bytes = set.PackConvolutionByte(g, plain.Select(c => sixteen[c]).ToArray());
        set.ConvolutionByte(g, source.Span<byte>(), 117, bytes, epilogue.Value, destination.Span<byte>(), 0, set.CountConvolutionByteTiles(g));
        byte[] expected = destination.Span<byte>().ToArray();
        destination.Span<byte>().Clear();
        set.ConvolutionByte(g, source.Span<byte>(), 117, packed, epilogue.Value, destination.Span<byte>(), 0, set.CountConvolutionByteTiles(g));
        KernelAssert.SameBytes(expected, destination.Span<byte>(), $"{test}, {set.Name}, codes");
    }

    private static void PlaneValues(KernelSet set, PlaneCase test, AccumulatorOutput output, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry.Convolution;
        using GuardedMemory source = GuardedMemory.Of<uint>(PlaneCases.Source(test), atEnd);
        using GuardedMemory destination = new((int)g.OutLength * KernelCheck.ElementSize(output), atEnd);
        using GuardedEpilogue epilogue = new(KernelOperands.Epilogue(g.OutChannels, g.Depth, test.Seed, output), atEnd);
        using PackedWeights packed = set.PackConvolutionPlanes(test.Geometry, PlaneCases.Weights(test));
        set.ConvolutionPlanes(
            test.Geometry, source.Span<uint>(), packed, new PlaneEpilogue { Integer = epilogue.Value }, destination.Span<byte>(), 0, set.CountConvolutionPlanesTiles(test.Geometry));
        KernelAssert.SameBytes(EverySetPlanesTests.Run(set, test, output, 1), destination.Span<byte>(), $"{test}, {set.Name}, {output}");
    }

    private static void PlaneCodes(KernelSet set, PlaneCase test, int bits, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry.Convolution;
        int count = bits == 0 ? 15 : (1 << bits) - 1;
        (int[] values, int[] ups) = PlaneCases.Thresholds(count, g.OutChannels, g.Depth, test.Seed);
        using GuardedMemory source = GuardedMemory.Of<uint>(PlaneCases.Source(test), atEnd);
        using GuardedMemory thresholds = GuardedMemory.Of<int>(values, atEnd);
        using GuardedMemory directions = GuardedMemory.Of<int>(ups, atEnd);
        using GuardedMemory bias = GuardedMemory.Of<int>(new int[g.OutChannels], atEnd);
        using PackedWeights packed = set.PackConvolutionPlanes(test.Geometry, PlaneCases.Weights(test));
        ThresholdTable<int> table = new() { Count = count, Values = thresholds.Span<int>(), Directions = directions.Span<int>(), PlaneBits = bits };
        using GuardedMemory destination = new((int)table.DestinationBytes(g.OutPixels, g.OutChannels), atEnd);
        PlaneEpilogue epilogue = new() { Integer = new() { Bias = bias.Span<int>() }, Thresholds = table };
        set.ConvolutionPlanes(test.Geometry, source.Span<uint>(), packed, epilogue, destination.Span<byte>(), 0, set.CountConvolutionPlanesTiles(test.Geometry));
    }

    private static void Narrow(KernelSet set, NarrowGeometry g, AccumulatorOutput output, ulong seed, bool atEnd)
    {
        using GuardedMemory weights = GuardedMemory.Of<sbyte>(EverySetNarrowTests.Weights(g, seed), atEnd);
        using GuardedMemory source = GuardedMemory.Of<byte>(KernelOperands.Codes((long)g.Rows * g.Inputs, seed, 1, false), atEnd);
        using GuardedMemory destination = new(g.Rows * g.Outputs * KernelCheck.ElementSize(output), atEnd);
        using GuardedEpilogue epilogue = new(KernelOperands.Epilogue(g.Outputs, g.Inputs, seed, output), atEnd);
        using PackedWeights packed = set.PackDenseNarrow(g, weights.Span<sbyte>());
        set.DenseNarrow(g, source.Span<byte>(), packed, epilogue.Value, destination.Span<byte>(), 0, set.CountDenseNarrowTiles(g));
    }

    private static void DepthwiseFloat(KernelSet set, KernelCase test, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry;
        using GuardedMemory weights = GuardedMemory.Of<float>(KernelOperands.Floats((long)g.Taps * g.OutChannels, test.Seed, 2), atEnd);
        using GuardedMemory source = GuardedMemory.Of<float>(KernelOperands.Floats(g.InLength, test.Seed, 1), atEnd);
        using GuardedMemory bias = GuardedMemory.Of<float>(KernelOperands.Floats(g.OutChannels, test.Seed, 3), atEnd);
        using GuardedMemory destination = new((int)g.OutLength * sizeof(float), atEnd);
        set.DepthwiseFloat(g, source.Span<float>(), weights.Span<float>(), bias.Span<float>(), -2, 90, destination.Span<float>(), 0, Rows(g));
    }

    private static void DepthwiseByteAndPools(KernelSet set, KernelCase test, bool atEnd)
    {
        ConvolutionGeometry g = test.Geometry;
        using GuardedMemory weights = GuardedMemory.Of<sbyte>(KernelOperands.Weights((long)g.Taps * g.OutChannels, test.Seed, 2, test.Extreme, 1), atEnd);
        using GuardedMemory source = GuardedMemory.Of<byte>(KernelOperands.Codes(g.InLength, test.Seed, 1, test.Extreme), atEnd);
        foreach (AccumulatorOutput output in Enum.GetValues<AccumulatorOutput>())
        {
            using GuardedMemory destination = new((int)g.OutLength * KernelCheck.ElementSize(output), atEnd);
            using GuardedEpilogue epilogue = new(KernelOperands.Epilogue(g.OutChannels, g.Taps, test.Seed, output), atEnd);
            set.DepthwiseByte(g, source.Span<byte>(), 9, weights.Span<sbyte>(), epilogue.Value, destination.Span<byte>(), 0, Rows(g));
        }

        using GuardedMemory pooled = new((int)g.OutLength, atEnd);
        set.MaxPoolByte(g, source.Span<byte>(), pooled.Span<byte>(), 0, Rows(g));
        set.AveragePoolByte(g, true, source.Span<byte>(), 3, 0.5f, 4, 0, 255, pooled.Span<byte>(), 0, Rows(g));
    }

    private static int Rows(in ConvolutionGeometry g) => g.Batch * g.OutDepth * g.OutHeight;

    /// <summary>An epilogue whose arrays are guarded.</summary>
    private readonly ref struct GuardedEpilogue
    {
        private readonly GuardedMemory _bias;
        private readonly GuardedMemory _multipliers;
        private readonly GuardedMemory _offsets;

        public GuardedEpilogue(in IntegerEpilogue epilogue, bool atEnd)
        {
            _bias = GuardedMemory.Of(epilogue.Bias, atEnd);
            _multipliers = GuardedMemory.Of(epilogue.Multipliers, atEnd);
            _offsets = GuardedMemory.Of(epilogue.Offsets, atEnd);
            Value = new IntegerEpilogue
            {
                Bias = _bias.Span<int>(),
                Multipliers = _multipliers.Span<float>(),
                Offsets = _offsets.Span<float>(),
                Output = epilogue.Output,
                ZeroPoint = epilogue.ZeroPoint,
                Minimum = epilogue.Minimum,
                Maximum = epilogue.Maximum,
                Low = epilogue.Low,
                High = epilogue.High,
            };
        }

        public IntegerEpilogue Value { get; }

        public void Dispose()
        {
            _bias.Dispose();
            _multipliers.Dispose();
            _offsets.Dispose();
        }
    }
}
