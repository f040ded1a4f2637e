using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>
/// Dense layers with narrow weights in groups and inputs quantized row by row:
/// <code>
/// s    = fl(max|x| / 127), 1 where that is 0         NaN for a row that holds a NaN or an infinity
/// q[k] = halfToEven(clamp(fl(x[k] / s), −127, 127))  0 in such a row
/// d[g] = Σ q[k] · w[k] over group g                  exact, int32
/// acc  = fma(float(d[g]), t[g], acc)                 from +0, g ascending, t being the group's scale
/// y    = clamp(fl(fl(acc · s) + bias))               as in ConvolutionFloat: NaN passes
/// </code>
/// </content>
public abstract partial class KernelSet
{
    /// <summary>Rows to codes, sums of codes and scales; see the formulas above. Padding codes are written as 0.</summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="source">[Rows][Inputs].</param>
    /// <param name="codes">[Rows][RowStride].</param>
    /// <param name="sums">[Rows][Groups]: Σ q of each group.</param>
    /// <param name="scales">[Rows].</param>
    /// <param name="rowBegin">First row.</param>
    /// <param name="rowEnd">Behind the last row.</param>
    public abstract void QuantizeRows(in GroupedGeometry geometry, ReadOnlySpan<float> source, Span<sbyte> codes, Span<int> sums, Span<float> scales, int rowBegin, int rowEnd);

    /// <summary>Packs weights [Outputs][Inputs] in [−2^(Bits−1), 2^(Bits−1) − 1] and scales [Outputs][Groups], all of them halves where <see cref="GroupedGeometry.ScaleBits"/> says so.</summary>
    public abstract PackedWeights PackGroupedDense(in GroupedGeometry geometry, ReadOnlySpan<sbyte> weights, ReadOnlySpan<float> scales);

    /// <summary>Number of independent tiles: panels of outputs times stripes of rows.</summary>
    public abstract int CountGroupedDenseTiles(in GroupedGeometry geometry);

    /// <summary>The layer behind <see cref="QuantizeRows"/>.</summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="codes">From <see cref="QuantizeRows"/>.</param>
    /// <param name="sums">From <see cref="QuantizeRows"/>.</param>
    /// <param name="rowScales">From <see cref="QuantizeRows"/>.</param>
    /// <param name="weights">From <see cref="PackGroupedDense"/> of this set; of the same sizes; the number of rows may differ.</param>
    /// <param name="bias">Outputs values; zeros where the layer has none.</param>
    /// <param name="low">Lower clamp, −∞ for none.</param>
    /// <param name="high">Upper clamp, +∞ for none.</param>
    /// <param name="destination">[Rows][Outputs].</param>
    /// <param name="tileBegin">First tile.</param>
    /// <param name="tileEnd">Behind the last tile.</param>
    public abstract void GroupedDense(
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
        int tileEnd);
}
