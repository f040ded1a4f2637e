using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Rows of floats to signed codes with a scale of their own: every step is exact or rounded once, so the vector width cannot show.</summary>
internal static unsafe class RowCodes
{
    private const int Lanes = 8;
    private const float Largest = 127;

    public static void Quantize(in GroupedGeometry geometry, ReadOnlySpan<float> source, Span<sbyte> codes, Span<int> sums, Span<float> scales, int rowBegin, int rowEnd)
    {
        KernelCheck.Tiles(rowBegin, rowEnd, geometry.Rows);
        KernelCheck.AtLeast(source.Length, (long)geometry.Rows * geometry.Inputs, nameof(source));
        KernelCheck.GroupedRows(in geometry, codes.Length, sums.Length, scales.Length);
        for (int row = rowBegin; row < rowEnd; row++)
        {
            ReadOnlySpan<float> values = source.Slice(row * geometry.Inputs, geometry.Inputs);
            float scale = Scale(values);
            scales[row] = scale;
            QuantizeRow(in geometry, values, scale, codes.Slice(row * geometry.RowStride, geometry.RowStride), sums.Slice(row * geometry.Groups, geometry.Groups));
        }
    }

    private static void QuantizeRow(in GroupedGeometry geometry, ReadOnlySpan<float> values, float scale, Span<sbyte> codes, Span<int> sums)
    {
        if (float.IsNaN(scale))
        {
            codes.Clear();
            sums.Clear();
            return;
        }

        int at = 0;
        for (int group = 0; group < sums.Length; group++)
        {
            int size = geometry.SizeOf(group);
            int stride = geometry.StrideOf(group);
            fixed (float* x = values.Slice(group * geometry.GroupSize, size))
            fixed (sbyte* q = codes.Slice(at, stride))
            {
                sums[group] = QuantizeGroup(x, size, scale, q);
            }

            codes.Slice(at + size, stride - size).Clear();
            at += stride;
        }
    }

    private static float Scale(ReadOnlySpan<float> values)
    {
        // Magnitudes compare as their bits do, and an infinity or a NaN is above every number.
        Vector256<int> magnitude = Vector256.Create(int.MaxValue);
        Vector256<int> best = Vector256<int>.Zero;
        int i = 0;
        fixed (float* x = values)
        {
            for (; i + Lanes <= values.Length; i += Lanes)
            {
                best = Vector256.Max(best, Vector256.Load((int*)x + i) & magnitude);
            }
        }

        int largest = 0;
        for (int lane = 0; lane < Lanes; lane++)
        {
            largest = Math.Max(largest, best[lane]);
        }

        for (; i < values.Length; i++)
        {
            largest = Math.Max(largest, BitConverter.SingleToInt32Bits(values[i]) & int.MaxValue);
        }

        float bound = BitConverter.Int32BitsToSingle(largest);
        float scale = bound / Largest;
        return !float.IsFinite(bound) ? float.NaN : scale == 0 ? 1 : scale;
    }

    private static int QuantizeGroup(float* x, int count, float scale, sbyte* q)
    {
        Vector256<float> divisor = Vector256.Create(scale);
        Vector256<float> high = Vector256.Create(Largest);
        Vector256<int> total = Vector256<int>.Zero;
        int i = 0;
        for (; i + Lanes <= count; i += Lanes)
        {
            Vector256<float> t = Vector256.Max(-high, Vector256.Min(high, Vector256.Load(x + i) / divisor));
            Vector256<int> codes = Vector256.ConvertToInt32(Rounding.HalfToEven(t));
            total += codes;
            Vector128<short> words = Vector128.Narrow(codes.GetLower(), codes.GetUpper());
            *(long*)(q + i) = Vector128.Narrow(words, words).AsInt64().ToScalar();
        }

        int sum = Vector256.Sum(total);
        for (; i < count; i++)
        {
            int code = Requantization.Finish(x[i] / scale, 0, -(int)Largest, (int)Largest);
            q[i] = (sbyte)code;
            sum += code;
        }

        return sum;
    }
}
