using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Dense layers with narrow weights in groups, as plain loops; a tile is one row. Packed: the scales, then the weights.</content>
public sealed partial class PlainKernels
{
    private const string GroupedLayout = "plain/grouped";

    /// <inheritdoc/>
    public override void QuantizeRows(in GroupedGeometry geometry, ReadOnlySpan<float> source, Span<sbyte> codes, Span<int> sums, Span<float> scales, int rowBegin, int rowEnd)
    {
        for (int row = rowBegin; row < rowEnd; row++)
        {
            float largest = 0;
            for (int k = 0; k < geometry.Inputs; k++)
            {
                largest = MathF.Max(largest, MathF.Abs(source[(row * geometry.Inputs) + k]));
            }

            bool finite = float.IsFinite(largest);

            float scale = largest / 127;
            scales[row] = !finite ? float.NaN : scale == 0 ? 1 : scale;
            codes.Slice(row * geometry.RowStride, geometry.RowStride).Clear();
            sums.Slice(row * geometry.Groups, geometry.Groups).Clear();
            for (int k = 0; k < geometry.Inputs && finite; k++)
            {
                int group = k / geometry.GroupSize;
                int code = Requantization.Quantize(source[(row * geometry.Inputs) + k], scales[row], 0, -127, 127);
                codes[(row * geometry.RowStride) + (group * geometry.GroupStride) + (k % geometry.GroupSize)] = (sbyte)code;
                sums[(row * geometry.Groups) + group] += code;
            }
        }
    }

    /// <inheritdoc/>
    public override PackedWeights PackGroupedDense(in GroupedGeometry geometry, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales)
    {
        var packed = new PackedWeights(((long)scales.Length * sizeof(float)) + weights.Length, GroupedLayout);
        scales.CopyTo(packed.Span<float>());
        weights.CopyTo(packed.Span<sbyte>()[(scales.Length * sizeof(float))..]);
        return packed;
    }

    /// <inheritdoc/>
    public override int CountGroupedDenseTiles(in GroupedGeometry geometry) => geometry.Rows;

    /// <inheritdoc/>
    public override void GroupedDense(
        in GroupedGeometry geometry,
        ReadOnlySpan<sbyte> codes,
        ReadOnlySpan<int> sums,
        ReadOnlySpan<float> rowScales,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
    {
        ReadOnlySpan<float> scales = weights.Span<float>();
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>()[(geometry.Outputs * geometry.Groups * sizeof(float))..];
        for (int i = tileBegin * geometry.Outputs; i < tileEnd * geometry.Outputs; i++)
        {
            (int row, int o) = (i / geometry.Outputs, i % geometry.Outputs);
            float acc = 0;
            for (int group = 0; group < geometry.Groups; group++)
            {
                int dot = 0;
                for (int k = 0; k < geometry.SizeOf(group); k++)
                {
                    dot += codes[(row * geometry.RowStride) + (group * geometry.GroupStride) + k] * w[(o * geometry.Inputs) + (group * geometry.GroupSize) + k];
                }

                acc = MathF.FusedMultiplyAdd(dot, scales[(o * geometry.Groups) + group], acc);
            }

            float scaled = acc * rowScales[row];
            destination[i] = Clamp(scaled + bias[o], low, high);
        }
    }

    /// <inheritdoc/>
    public override int CountGroupedDenseFloatTiles(in GroupedGeometry geometry) => geometry.Rows;

    /// <inheritdoc/>
    public override void GroupedDenseFloat(
        in GroupedGeometry geometry,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
    {
        ReadOnlySpan<float> scales = weights.Span<float>();
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>()[(geometry.Outputs * geometry.Groups * sizeof(float))..];
        for (int i = tileBegin * geometry.Outputs; i < tileEnd * geometry.Outputs; i++)
        {
            (int row, int o) = (i / geometry.Outputs, i % geometry.Outputs);
            float acc = 0;
            for (int k = 0; k < geometry.Inputs; k++)
            {
                float weight = scales[(o * geometry.Groups) + (k / geometry.GroupSize)] * w[(o * geometry.Inputs) + k];
                acc = MathF.FusedMultiplyAdd(source[(row * geometry.Inputs) + k], weight, acc);
            }

            destination[i] = Clamp(acc + bias[o], low, high);
        }
    }
}
