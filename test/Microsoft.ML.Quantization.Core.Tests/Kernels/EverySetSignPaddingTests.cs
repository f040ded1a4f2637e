using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>
/// Law of padding under signs: taps in padding add +w, −w or nothing, so that the sums with nothing there are half of the other two together, exactly. Kernels 1 to 5, strides and dilations 1 and 2,
/// the same padding on both sides and more behind than before, against a plain loop and in every available set.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EverySetSignPaddingTests
{
    private const int Height = 6;
    private const int Width = 7;
    private const int Outputs = 3;

    public static IEnumerable<object[]> SetNames => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(SetNames))]
    public void NothingInPaddingIsHalfOfBothSignsThere(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        int padded = 0;
        foreach (ConvolutionGeometry g in Geometries())
        {
            (byte[] codes, sbyte[] weights) = Operands(g);
            int[] Sums(int padding) => PlaneSums.Of(set, new PlaneGeometry(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1) { PaddingCode = padding }, codes, weights);
            (int[] minus, int[] zero, int[] one) = (Sums(0), Sums(PlaneGeometry.NoPaddingCode), Sums(1));
            CollectionAssert.AreEqual(Loop(g, codes, weights, 0), zero, $"{name}, nothing, {g}");
            CollectionAssert.AreEqual(Loop(g, codes, weights, 1), one, $"{name}, +1, {g}");
            CollectionAssert.AreEqual(Loop(g, codes, weights, -1), minus, $"{name}, -1, {g}");
            CollectionAssert.AreEqual(zero.Select(s => 2 * s).ToArray(), one.Zip(minus, (a, b) => a + b).ToArray(), $"{name}, {g}");
            padded += one.SequenceEqual(minus) ? 0 : 1;
        }

        Assert.IsTrue(padded >= 36, $"only {padded} layers have taps in padding");
    }

    /// <summary>Padding p before and p or p + 1 behind, where the kernel reaches it.</summary>
    private static IEnumerable<ConvolutionGeometry> Geometries()
    {
        foreach (int kernel in Enumerable.Range(1, 5))
        {
            foreach ((int stride, int dilation) in new[] { (1, 1), (1, 2), (2, 1), (2, 2) })
            {
                int reach = (kernel - 1) * dilation;
                foreach ((int before, int behind) in new[] { (0, 0), (reach / 2, reach - (reach / 2)), (Math.Max(reach, 1), 1) }.Distinct())
                {
                    int height = ((Height + before + behind - reach - 1) / stride) + 1;
                    int width = ((Width + before + behind - reach - 1) / stride) + 1;
                    if (Height + before + behind > reach && height > 0)
                    {
                        yield return Geometry(kernel, stride, dilation, before) with { OutHeight = height, OutWidth = width, InChannels = 30 + kernel };
                    }
                }
            }
        }
    }

    private static ConvolutionGeometry Geometry(int kernel, int stride, int dilation, int before)
        => KernelCases.Image(1, Height, Width, 32, Outputs, kernel, stride, before) with { DilationHeight = dilation, DilationWidth = dilation };

    private static (byte[] Codes, sbyte[] Weights) Operands(ConvolutionGeometry g)
    {
        CounterRandom random = new((ulong)((g.KernelHeight * 100) + (g.StrideHeight * 10) + g.DilationHeight), (ulong)g.PadHeight);
        byte[] codes = [.. Enumerable.Range(0, (int)g.InLength).Select(i => (byte)random.Integer(i, 0, 1))];
        return (codes, [.. Enumerable.Range(0, g.Depth * Outputs).Select(i => (sbyte)random.Integer(100000 + i, 0, 1))]);
    }

    /// <summary>Σ of ±1 products, a sign (or 0) in place of each code outside the image.</summary>
    private static int[] Loop(ConvolutionGeometry g, byte[] codes, sbyte[] weights, int outside)
    {
        int[] sums = new int[g.OutLength];
        for (int i = 0; i < sums.Length * g.Taps; i++)
        {
            (int at, int tap) = (i / g.Taps, i % g.Taps);
            int row = (at / Outputs / g.OutWidth * g.StrideHeight) - g.PadHeight + (tap / g.KernelWidth * g.DilationHeight);
            int column = (at / Outputs % g.OutWidth * g.StrideWidth) - g.PadWidth + (tap % g.KernelWidth * g.DilationWidth);
            bool isInside = row is >= 0 and < Height && column is >= 0 and < Width;
            for (int c = 0; c < g.InChannels; c++)
            {
                int x = isInside ? (2 * codes[(((row * Width) + column) * g.InChannels) + c]) - 1 : outside;
                sums[at] += x * ((2 * weights[((((at % Outputs) * g.Taps) + tap) * g.InChannels) + c]) - 1);
            }
        }

        return sums;
    }
}
