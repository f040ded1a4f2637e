using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>One geometry with the seed of its operands.</summary>
/// <param name="Name">What it exercises.</param>
/// <param name="Geometry">The sizes.</param>
/// <param name="Seed">Seed of the operands.</param>
/// <param name="Extreme">Codes 255 and weights −128 and 127 only, the largest accumulators.</param>
public sealed record KernelCase(string Name, ConvolutionGeometry Geometry, ulong Seed, bool Extreme = false)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} (seed {Seed})");
}

/// <summary>The geometries that every kernel set is tested with.</summary>
public static class KernelCases
{
    /// <summary>Convolutions: named corners first, then seeded random ones.</summary>
    public static IEnumerable<KernelCase> Convolutions()
    {
        yield return new("dense row", ConvolutionGeometry.Dense(1, 70, 45), 1);
        yield return new("dense row, one output", ConvolutionGeometry.Dense(1, 5, 1), 2);
        yield return new("dense row, many panels", ConvolutionGeometry.Dense(1, 64, 300), 3);
        yield return new("dense two rows", ConvolutionGeometry.Dense(2, 33, 130), 4);
        yield return new("dense three rows", ConvolutionGeometry.Dense(3, 16, 70), 5);
        yield return new("dense 29 rows", ConvolutionGeometry.Dense(29, 130, 33), 6);
        yield return new("dense deep", ConvolutionGeometry.Dense(5, 9001, 17), 7);
        yield return new("dense extreme", ConvolutionGeometry.Dense(15, 1024, 40), 8, Extreme: true);
        yield return new("one value", ConvolutionGeometry.Dense(1, 1, 1), 9);
        yield return new("1x1", Image(1, 9, 11, 48, 64, 1, 1, 0), 10);
        yield return new("1x1 stride 2", Image(3, 9, 8, 20, 36, 1, 2, 0), 11);
        yield return new("1x1 map", Image(3, 1, 1, 12, 7, 3, 1, 1), 12);
        yield return new("3x3 stem", Image(1, 17, 19, 3, 33, 3, 2, 1), 13);
        yield return new("7x7 stem", Image(1, 21, 23, 3, 16, 7, 2, 3), 14);
        yield return new("3x3 of whole vectors", Image(1, 14, 14, 64, 64, 3, 1, 1), 15);
        yield return new("3x3 extreme", Image(1, 8, 9, 32, 34, 3, 1, 1), 16, Extreme: true);
        yield return new("3x3 of 7x7", Image(2, 7, 7, 16, 32, 3, 1, 1), 17);
        yield return new("kernel larger than the map", Image(1, 3, 2, 8, 8, 5, 1, 2), 18);
        yield return new("window of padding only", Image(1, 4, 4, 4, 5, 1, 1, 0) with { OutHeight = 6, OutWidth = 7, PadHeight = 1, PadWidth = 2 }, 19);
        yield return new("groups of 4", Image(1, 6, 5, 32, 48, 3, 1, 1) with { Groups = 8 }, 20);
        yield return new("groups of 3", Image(2, 6, 5, 9, 15, 3, 1, 1) with { Groups = 3 }, 21);
        yield return new("kernel of many taps", Image(1, 40, 1, 2, 6, 1, 1, 0) with { KernelHeight = 300, OutHeight = 41, PadHeight = 150 }, 22);
        for (int i = 0; i < 30; i++)
        {
            yield return new("random", Random(new CounterRandom(1000, (ulong)i), maxChannels: 70), 100 + (ulong)i, Extreme: i % 7 == 6);
        }
    }

    /// <summary>Geometries of depthwise convolution and pooling: InChannels = OutChannels = Groups.</summary>
    public static IEnumerable<KernelCase> Channelwise()
    {
        yield return new("3x3", Depthwise(Image(1, 9, 11, 64, 64, 3, 1, 1)), 200);
        yield return new("3x3 stride 2", Depthwise(Image(2, 8, 9, 33, 33, 3, 2, 1)), 201);
        yield return new("2x2 pool", Depthwise(Image(1, 8, 7, 20, 20, 2, 2, 0)), 202);
        yield return new("5x5 extreme", Depthwise(Image(1, 7, 7, 130, 130, 5, 1, 2)), 203, Extreme: true);
        yield return new("3x3 of blocks and a rest", Depthwise(Image(2, 9, 8, 144, 144, 3, 1, 1)), 205);
        yield return new("3x3 stride 2 of blocks and a rest", Depthwise(Image(1, 12, 11, 104, 104, 3, 2, 1)), 206, Extreme: true);
        yield return new("3x3 of one column", Depthwise(Image(1, 5, 1, 70, 70, 3, 1, 1)), 207);
        yield return new("3x3 of a wide image", Depthwise(Image(1, 4, 300, 33, 33, 3, 1, 1)), 208);
        yield return new("2x3, wide padding", Depthwise(Image(1, 6, 7, 65, 65, 3, 1, 2)) with { KernelHeight = 2, OutHeight = 9 }, 209);
        yield return new("1x3 stride 2", Depthwise(Image(1, 6, 7, 40, 40, 3, 2, 1)) with { KernelHeight = 1, PadHeight = 0, OutHeight = 3 }, 210);
        yield return new("3x3 dilated rows", Depthwise(Image(1, 9, 9, 48, 48, 3, 1, 1)) with { DilationHeight = 2, PadHeight = 2 }, 211);
        yield return new("3x3 of many channels", Depthwise(Image(1, 3, 3, 6000, 6000, 3, 1, 1)), 212);
        yield return new("3x3 stride 2 of a wide image of blocks", Depthwise(Image(1, 3, 260, 80, 80, 3, 2, 1)), 213);
        yield return new("two channels", Depthwise(Image(3, 5, 4, 2, 2, 3, 1, 1)), 204);
        for (int i = 0; i < 20; i++)
        {
            ConvolutionGeometry g = Random(new CounterRandom(2000, (ulong)i), maxChannels: 150);
            int channels = Math.Max(2, g.InChannels);
            yield return new("random", Depthwise(g with { InChannels = channels, OutChannels = channels }), 300 + (ulong)i, Extreme: i % 5 == 4);
        }
    }

    /// <summary>A square kernel over a two-dimensional image, with the same padding on every side.</summary>
    public static ConvolutionGeometry Image(int batch, int height, int width, int inChannels, int outChannels, int kernel, int stride, int pad)
        => ConvolutionGeometry.Dense(batch, inChannels, outChannels) with
        {
            InHeight = height,
            InWidth = width,
            OutHeight = (((height + (2 * pad)) - kernel) / stride) + 1,
            OutWidth = (((width + (2 * pad)) - kernel) / stride) + 1,
            KernelHeight = kernel,
            KernelWidth = kernel,
            StrideHeight = stride,
            StrideWidth = stride,
            PadHeight = pad,
            PadWidth = pad,
        };

    private static ConvolutionGeometry Depthwise(ConvolutionGeometry g) => g with { Groups = g.InChannels };

    private static ConvolutionGeometry Random(CounterRandom random, int maxChannels)
    {
        int next = 0;
        int Pick(int minimum, int maximum) => random.Integer(next++, minimum, maximum);
        int groups = Pick(0, 3) == 0 ? Pick(2, 4) : 1;
        ConvolutionGeometry g = new()
        {
            Batch = Pick(0, 2) == 0 ? 3 : 1,
            Groups = groups,
            InChannels = groups * Pick(1, maxChannels / groups),
            OutChannels = groups * Pick(1, maxChannels / groups),
            InDepth = Pick(0, 3) == 0 ? Pick(2, 3) : 1,
            InHeight = Pick(1, 9),
            InWidth = Pick(1, 12),
        };
        (int depthKernel, int depthStride, int depthDilation, int depthPad, int depthOut) = Axis(random, ref next, g.InDepth, g.InDepth == 1 ? 1 : 2);
        (int rowKernel, int rowStride, int rowDilation, int rowPad, int rowOut) = Axis(random, ref next, g.InHeight, 4);
        (int columnKernel, int columnStride, int columnDilation, int columnPad, int columnOut) = Axis(random, ref next, g.InWidth, 5);
        return g with
        {
            KernelDepth = depthKernel,
            StrideDepth = depthStride,
            DilationDepth = depthDilation,
            PadDepth = depthPad,
            OutDepth = depthOut,
            KernelHeight = rowKernel,
            StrideHeight = rowStride,
            DilationHeight = rowDilation,
            PadHeight = rowPad,
            OutHeight = rowOut,
            KernelWidth = columnKernel,
            StrideWidth = columnStride,
            DilationWidth = columnDilation,
            PadWidth = columnPad,
            OutWidth = columnOut,
        };
    }

    private static (int Kernel, int Stride, int Dilation, int Pad, int Out) Axis(CounterRandom random, ref int next, int length, int maxKernel)
    {
        int kernel = random.Integer(next++, 1, maxKernel);
        int stride = random.Integer(next++, 1, 3);
        int dilation = random.Integer(next++, 1, 2);
        int reach = ((kernel - 1) * dilation) + 1;
        int pad = random.Integer(next++, 0, Math.Min(reach - 1, 3));
        int behind = random.Integer(next++, 0, Math.Min(reach - 1, 3));
        int room = length + pad + behind - reach;
        return (kernel, stride, dilation, pad, room < 0 ? 1 : (room / stride) + 1);
    }
}
