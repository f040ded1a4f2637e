using System;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>The weights of an integer layer without their zero points, one row an output channel, in the graph's order.</summary>
internal sealed class IntegerWeights
{
    private IntegerWeights(sbyte[] values, int rows)
    {
        Values = values;
        Rows = rows;
    }

    /// <summary>w − zw, [Rows][Depth].</summary>
    public sbyte[] Values { get; }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Products of one output.</summary>
    public int Depth => Values.Length / Rows;

    /// <summary>The weights, or null when one of them needs more than 8 signed bits.</summary>
    public static IntegerWeights? TryCreate(Tensor codes, AffineQuantization quantizer)
    {
        int rows = codes.Shape[0];
        int depth = codes.Shape.Count / rows;
        var values = new sbyte[codes.Shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            int zero = quantizer.ZeroPoints[quantizer.ZeroPoints.Length == 1 ? 0 : i / depth];
            int value = CodeAccess.Read(codes, i) - zero;
            if (value is < sbyte.MinValue or > sbyte.MaxValue)
            {
                return null;
            }

            values[i] = (sbyte)value;
        }

        return new IntegerWeights(values, rows);
    }

    /// <summary>
    /// The bias with the input's zero point folded in, b − z·Σw, and the proof that no sum of products in any order leaves int32 when
    /// 0 ≤ x ≤ <paramref name="largest"/>: |b − z·Σw| + max(Σ⁺w, −Σ⁻w)·largest ≤ 2³¹ − 1.
    /// </summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.AccumulatorNotProved"/>.</exception>
    public (int[] Bias, long Bound) FoldZeroPoint(Node node, Tensor? bias, int zeroPoint, int largest)
    {
        var folded = new int[Rows];
        long worst = 0;
        for (int row = 0; row < Rows; row++)
        {
            (long positive, long negative) = Sums(row);
            long start = (bias?.Values<int>()[row] ?? 0) - (zeroPoint * (positive + negative));
            long bound = Math.Abs(start) + (Math.Max(positive, -negative) * largest);
            worst = Math.Max(worst, bound);
            if (bound > int.MaxValue)
            {
                throw NotProved(node, row, bound);
            }

            folded[row] = (int)start;
        }

        return (folded, worst);
    }

    /// <summary>[Rows][channels][taps] → [Rows][taps][channels].</summary>
    public sbyte[] TapsFirst(int channels) => WeightOrder.TapsFirst(Values, Rows, channels);

    private static QuantizationException NotProved(Node node, int channel, long bound) => new(
        QuantizationErrorCode.AccumulatorNotProved,
        string.Create(CultureInfo.InvariantCulture, $"{node.Kind} '{node.Name}', channel {channel}: expected an accumulator of at most {int.MaxValue}, found that it can reach {bound}. Use fewer bits for this layer or keep it in float."));

    private (long Positive, long Negative) Sums(int row)
    {
        long positive = 0;
        long negative = 0;
        foreach (sbyte value in Values.AsSpan(row * Depth, Depth))
        {
            positive += Math.Max((int)value, 0);
            negative += Math.Min((int)value, 0);
        }

        return (positive, negative);
    }
}
