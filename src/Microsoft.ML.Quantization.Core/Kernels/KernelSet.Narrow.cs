using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>
/// Dense layers of few rows, whose time is that of reading the weights: these lie in memory at 1 to 7 bits and are unpacked in registers. The result is that of
/// <see cref="ConvolutionByte"/> for the same weights:
/// <code>
/// acc = Bias[o] + Σ x[k] · w[o, k]    exact, int32
/// </code>
/// </content>
public abstract partial class KernelSet
{
    /// <summary>Packs weights [Outputs][Inputs]; they must have the form that <see cref="NarrowGeometry"/> says.</summary>
    public abstract PackedWeights PackDenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<sbyte> weights);

    /// <summary>Number of independent tiles: groups of outputs, whatever the rows.</summary>
    public abstract int CountDenseNarrowTiles(in NarrowGeometry geometry);

    /// <summary>The layer.</summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="source">Codes [Rows][Inputs].</param>
    /// <param name="weights">From <see cref="PackDenseNarrow"/>; the number of rows may differ.</param>
    /// <param name="epilogue">What follows the products.</param>
    /// <param name="destination">[Rows][Outputs] in the element type of <see cref="IntegerEpilogue.Output"/>.</param>
    /// <param name="tileBegin">First tile.</param>
    /// <param name="tileEnd">Behind the last tile.</param>
    public abstract void DenseNarrow(
        in NarrowGeometry geometry,
        ReadOnlySpan<byte> source,
        PackedWeights weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd);
}
