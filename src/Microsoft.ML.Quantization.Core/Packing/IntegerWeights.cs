using System;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>The values of an integer layer's weights, one row an output channel, in the graph's order.</summary>
internal sealed class IntegerWeights
{
    private readonly Tensor? _codes;
    private readonly sbyte[] _values;

    private IntegerWeights(Tensor? codes, sbyte[] values, int rows)
    {
        _codes = codes;
        _values = values;
        Rows = rows;
    }

    /// <summary>c − z, 2c − (2^bits − 1) of mid-rise codes, or the levels of a codebook; [Rows][Depth].</summary>
    public ReadOnlySpan<sbyte> Values => _codes is null ? _values : _codes.Values<sbyte>();

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>For <see cref="ConvolutionGeometry.WeightBits"/>: 7 where no weight is larger than 64 in size, 0 otherwise.</summary>
    public int Bits => Values.ContainsAnyExceptInRange((sbyte)-ConvolutionGeometry.LargestSevenBitWeight, (sbyte)ConvolutionGeometry.LargestSevenBitWeight) ? 0 : 7;

    /// <summary>Products of one output.</summary>
    public int Depth => Values.Length / Rows;

    /// <summary>The weights, or null when one of them needs more than 8 signed bits.</summary>
    public static IntegerWeights? TryCreate(Tensor codes, AffineQuantization quantizer)
    {
        int rows = codes.Shape[0];
        if (codes.Type == ElementType.Int8 && quantizer.Codebook is null && !quantizer.IsMidRise && quantizer.ZeroPoints.All(z => z == 0))
        {
            return new IntegerWeights(codes, [], rows);
        }

        var values = new sbyte[codes.Shape.Count];
        int run = quantizer.RunLength(codes.Shape);
        for (int start = 0; start < values.Length; start += run)
        {
            if (!TryWrite(codes, quantizer, start, values.AsSpan(start, run)))
            {
                return null;
            }
        }

        return new IntegerWeights(null, values, rows);
    }

    /// <summary>The bias with the input's zero point folded in: b − z·Σw. The accumulator's proof covers it.</summary>
    public int[] FoldZeroPoint(Tensor? bias, int zeroPoint)
    {
        var folded = new int[Rows];
        for (int row = 0; row < Rows; row++)
        {
            long sum = zeroPoint == 0 ? 0 : CodeSums.Of(Values.Slice(row * Depth, Depth), 1, 0).Total;
            folded[row] = checked((int)((bias?.Values<int>()[row] ?? 0) - (zeroPoint * sum)));
        }

        return folded;
    }

    /// <summary>[Rows][channels][taps] → [Rows][taps][channels]; the values themselves where both are the same.</summary>
    public ReadOnlySpan<sbyte> Ordered(int channels) => channels == Depth ? Values : TapsFirst(channels);

    /// <summary>[Rows][channels][taps] → [Rows][taps][channels].</summary>
    public sbyte[] TapsFirst(int channels) => WeightOrder.TapsFirst(Values, Rows, channels);

    /// <summary>The values of neighbouring weights of one group and channel.</summary>
    private static bool TryWrite(Tensor codes, AffineQuantization quantizer, int start, Span<sbyte> values)
    {
        if (quantizer.Codebook is { } book)
        {
            int channel = start / codes.Shape.CountOf(1, codes.Shape.Rank);
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (sbyte)book.ValueOf(channel, CodeAccess.Read(codes, start + i));
            }

            return true;
        }

        (int factor, int zero) = quantizer[quantizer.GroupOf(codes.Shape, start)].Line;
        return codes.Type == ElementType.Int8
            ? CodeValues.TryWrite(codes.Values<sbyte>().Slice(start, values.Length), factor, zero, values)
            : CodeValues.TryWrite(codes.Values<byte>().Slice(start, values.Length), factor, zero, values);
    }
}
