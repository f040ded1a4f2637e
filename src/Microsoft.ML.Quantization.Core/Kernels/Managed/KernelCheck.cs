using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The length checks that stand before every use of a pointer.</summary>
internal static class KernelCheck
{
    /// <summary>Throws unless a span holds at least <paramref name="expected"/> values.</summary>
    public static void AtLeast(int found, long expected, string name)
    {
        if (found < expected)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{name}: expected at least {expected} values, found {found}."), name);
        }
    }

    /// <summary>Checks lengths and codes of weights that look up levels, and that runs of channels share theirs.</summary>
    public static void Codebook(in ConvolutionGeometry g, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
    {
        AtLeast(codes.Length, (long)g.OutChannels * g.Depth, nameof(codes));
        if (g.WeightBits != 0)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"geometry: expected {nameof(g.WeightBits)} 0 for weights that look up levels, found {g.WeightBits}."), nameof(g));
        }

        AtLeast(levels.Length, (long)g.OutChannels * KernelSet.CodebookLevels, nameof(levels));
        bool shared = true;
        for (int c = 1; c < g.OutChannels; c++)
        {
            int inGroup = c % g.GroupOutChannels;
            shared &= inGroup % KernelSet.CodebookChannels == 0
                || levels.Slice(c * KernelSet.CodebookLevels, KernelSet.CodebookLevels).SequenceEqual(levels.Slice((c - 1) * KernelSet.CodebookLevels, KernelSet.CodebookLevels));
        }

        if (!shared || codes.ContainsAnyExceptInRange((byte)0, (byte)(KernelSet.CodebookLevels - 1)))
        {
            throw new ArgumentException($"Expected codes below {KernelSet.CodebookLevels}, and the same levels for runs of {KernelSet.CodebookChannels} channels of a group.", nameof(codes));
        }
    }

    /// <summary>Throws unless weights are as many as the geometry has, and as small as it says.</summary>
    public static void Bytes(in ConvolutionGeometry g, ReadOnlySpan<sbyte> weights, int part)
    {
        long count = (long)g.OutChannels * g.Depth;
        AtLeast(weights.Length, count, nameof(weights));
        const sbyte Largest = ConvolutionGeometry.LargestSevenBitWeight;

        // Parts are written over the same weights: one of them looks.
        if (part == 0 && g.WeightBits == 7 && weights[..(int)count].ContainsAnyExceptInRange((sbyte)-Largest, Largest))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"weights: expected none larger than {Largest} in size where {nameof(g.WeightBits)} is 7, found others. Leave {nameof(g.WeightBits)} at 0."), nameof(weights));
        }
    }

    /// <summary>Throws unless packed weights have the layout and size that a kernel reads.</summary>
    public static void Weights(PackedWeights weights, string layout, long byteLength)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Layout != layout || weights.ByteLength < byteLength)
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"weights: expected layout {layout} of {byteLength} bytes, found {weights.Layout} of {weights.ByteLength}. Pack them with the kernel set that runs them."),
                nameof(weights));
        }
    }

    /// <summary>Throws unless 0 ≤ begin and end ≤ count.</summary>
    public static void Tiles(int begin, int end, long count)
    {
        if (begin < 0 || end > count)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"tiles: expected a range inside [0, {count}), found [{begin}, {end})."), nameof(begin));
        }
    }

    /// <summary>Checks the epilogue's arrays and the destination.</summary>
    public static void Epilogue(in IntegerEpilogue epilogue, in ConvolutionGeometry geometry, int destinationBytes)
    {
        AtLeast(epilogue.Bias.Length, geometry.OutChannels, "bias");
        if (epilogue.Output != AccumulatorOutput.Int32)
        {
            AtLeast(epilogue.Multipliers.Length, geometry.OutChannels, "multipliers");
            AtLeast(epilogue.Offsets.Length, geometry.OutChannels, "offsets");
        }

        AtLeast(destinationBytes, geometry.OutLength * ElementSize(epilogue.Output), "destination");
        if (epilogue.Join.IsUsed)
        {
            Join(epilogue.Join, epilogue.Output, geometry);
        }
    }

    /// <summary>Checks what follows codes.</summary>
    private static void Join(in JoinEpilogue join, AccumulatorOutput output, in ConvolutionGeometry geometry)
    {
        int words = PlaneLayout.Words(geometry.OutChannels);
        bool planes = join.Planes.Length > 0;
        bool fits = output is AccumulatorOutput.UInt8 or AccumulatorOutput.Int16
            && (!planes || (join.PlaneBits is 1 or 2 && join.ThresholdCount >= 1 && join.ThresholdCount < 1 << join.PlaneBits && (geometry.Groups == 1 || geometry.GroupOutChannels % PlaneLayout.WordBits == 0)))
            && (planes || join.ThresholdCount == 0);
        if (!fits)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"join: expected codes of 8 or 16 bits and at most 3 thresholds into planes of whole words a group, found {output}, {join.ThresholdCount} thresholds, {join.PlaneBits} bits, {geometry.GroupOutChannels} channels a group."),
                nameof(join));
        }

        Optional(join.Other.Length, geometry.OutLength * ElementSize(output), "other");
        Optional(join.Bytes.Length, geometry.OutLength, "bytes");
        if (planes)
        {
            AtLeast(join.Planes.Length, PlaneLayout.Length(geometry.OutPixels, geometry.OutChannels, join.PlaneBits), "planes");
            AtLeast(join.Table.Length, (long)join.ThresholdCount * words * PlaneLayout.WordBits, "table");
            AtLeast(join.Rising.Length, words, "rising");
        }
    }

    private static void Optional(int found, long expected, string name)
    {
        if (found > 0)
        {
            AtLeast(found, expected, name);
        }
    }

    /// <summary>Checks sizes of a grouped dense layer: positive, and groups whose sums are proved to fit 32 bits.</summary>
    public static void Grouped(in GroupedGeometry g)
    {
        if (g.Rows < 0 || Math.Min(g.Inputs, g.Outputs) <= 0 || g.GroupSize is <= 0 or > GroupedGeometry.LongestGroup || g.Bits is < 2 or > 8 || g.ScaleBits is not (16 or 32))
        {
            throw new ArgumentException($"geometry: expected positive sizes, groups of at most {GroupedGeometry.LongestGroup} inputs and 2 to 8 bits, scales of 16 or 32, found {g}.", nameof(g));
        }
    }

    /// <summary>Checks what a grouped dense layer is packed from.</summary>
    public static void Grouped(in GroupedGeometry g, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
    {
        Grouped(in g);
        AtLeast(weights.Length, (long)g.Outputs * g.Inputs, nameof(weights));
        AtLeast(scales.Length, (long)g.Outputs * g.Groups, nameof(scales));
        if (g.ScaleBits == 16 && !GroupedGeometry.AreHalves(scales[..(g.Outputs * g.Groups)]))
        {
            throw new ArgumentException("scales: expected numbers of half precision.", nameof(scales));
        }
    }

    /// <summary>Checks the rows of a grouped dense layer.</summary>
    public static void GroupedRows(in GroupedGeometry geometry, int codes, int sums, int scales)
    {
        Grouped(in geometry);
        AtLeast(codes, (long)geometry.Rows * geometry.RowStride, "codes");
        AtLeast(sums, (long)geometry.Rows * geometry.Groups, "sums");
        AtLeast(scales, geometry.Rows, "scales");
    }

    /// <summary>Checks everything that a grouped dense layer reads and writes beside its weights.</summary>
    public static void Grouped(in GroupedGeometry geometry, int codes, int sums, int scales, int bias, int destination)
    {
        GroupedRows(in geometry, codes, sums, scales);
        AtLeast(bias, geometry.Outputs, "bias");
        AtLeast(destination, geometry.OutLength, "destination");
    }

    /// <summary>Checks everything that a grouped dense layer of floats reads and writes beside its weights.</summary>
    public static void GroupedFloats(in GroupedGeometry geometry, int source, int bias, int destination)
    {
        Grouped(in geometry);
        AtLeast(source, (long)geometry.Rows * geometry.Inputs, "source");
        AtLeast(bias, geometry.Outputs, "bias");
        AtLeast(destination, geometry.OutLength, "destination");
    }

    /// <summary>Bytes of one written value.</summary>
    public static int ElementSize(AccumulatorOutput output) => output switch
    {
        AccumulatorOutput.UInt8 => 1,
        AccumulatorOutput.Int16 => 2,
        _ => 4,
    };
}
