using System;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: dense layers with weights in groups touch nothing outside their spans, their packed weights included, in any set, managed or native.</summary>
[TestClass]
public sealed class GuardPageGroupedTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void GroupedDenseStaysInside(bool atEnd)
    {
        KernelSet[] sets = [.. KernelRegistry.Available, .. new[] { 128, 256, 512 }.Select(width => new ManagedKernels(width))];
        int[] sizes = [32, 64, 128, 7];
        for (int seed = 0; seed < 32; seed++)
        {
            CounterRandom random = new(9, (ulong)seed);
            var g = new GroupedGeometry(seed % 4 == 0 ? 1 : random.Integer(0, 2, 24), random.Integer(1, 1, 300), random.Integer(2, 1, 150), sizes[seed % 4], new[] { 2, 3, 4, 8 }[seed / 4 % 4])
            {
                ScaleBits = seed % 3 == 0 ? 16 : 32,
            };
            float[] x = KernelOperands.Floats((long)g.Rows * g.Inputs, (ulong)seed, 1);
            x[(seed % g.Rows * g.Inputs) + (g.Inputs / 2)] = seed % 5 == 0 ? float.NaN : seed % 5 == 1 ? float.PositiveInfinity : 3;
            foreach (KernelSet set in sets)
            {
                Run(set, g, x, (ulong)seed, atEnd);
            }
        }
    }

    private static unsafe void Run(KernelSet set, GroupedGeometry g, float[] x, ulong seed, bool atEnd)
    {
        CounterRandom random = new(seed, 2);
        sbyte[] w = [.. Enumerable.Range(0, g.Outputs * g.Inputs).Select(i => (sbyte)random.Integer(i, -(1 << (g.Bits - 1)), (1 << (g.Bits - 1)) - 1))];
        using GuardedMemory weights = GuardedMemory.Of<sbyte>(w, atEnd);
        using GuardedMemory scales = GuardedMemory.Of<float>(EverySetGroupedTests.Scales(g, seed), atEnd);
        using GuardedMemory bias = GuardedMemory.Of<float>(KernelOperands.Floats(g.Outputs, seed, 4), atEnd);
        using GuardedMemory source = GuardedMemory.Of<float>(x, atEnd);
        using GuardedMemory codes = new(g.Rows * g.RowStride, atEnd);
        using GuardedMemory sums = new(g.Rows * g.Groups * sizeof(int), atEnd);
        using GuardedMemory rowScales = new(g.Rows * sizeof(float), atEnd);
        using GuardedMemory destination = new((int)g.OutLength * sizeof(float), atEnd);
        using PackedWeights packed = set.PackGroupedDense(g, weights.Span<sbyte>(), scales.Span<float>());
        using GuardedMemory memory = GuardedMemory.Of<byte>(packed.Span<byte>(), atEnd);
        fixed (byte* at = memory.Span<byte>())
        {
            using PackedWeights guarded = new(at, packed.ByteLength, packed.Layout);
            set.QuantizeRows(g, source.Span<float>(), codes.Span<sbyte>(), sums.Span<int>(), rowScales.Span<float>(), 0, g.Rows);
            int tiles = set.CountGroupedDenseTiles(g);
            set.GroupedDense(g, codes.Span<sbyte>(), sums.Span<int>(), rowScales.Span<float>(), guarded, bias.Span<float>(), -100, 150, destination.Span<float>(), 0, tiles);
        }

        float[] expected = EverySetGroupedTests.Run(new PlainKernels(), g, x, w, EverySetGroupedTests.Scales(g, seed), KernelOperands.Floats(g.Outputs, seed, 4), -100, 150, 1);
        KernelAssert.SameBytes(MemoryMarshal.AsBytes(expected.AsSpan()), destination.Span<byte>(), $"{g}, {set.Name}");
    }
}
