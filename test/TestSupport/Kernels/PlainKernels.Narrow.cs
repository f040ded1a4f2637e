using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <content>Dense layers with narrow weights, as plain loops over the weights themselves; a tile is one output.</content>
public sealed partial class PlainKernels
{
    private const string NarrowLayout = "plain/narrow";

    /// <inheritdoc/>
    public override PackedWeights PackDenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<sbyte> weights)
    {
        var packed = new PackedWeights(weights.Length, NarrowLayout);
        weights.CopyTo(packed.Span<sbyte>());
        return packed;
    }

    /// <inheritdoc/>
    public override int CountDenseNarrowTiles(in NarrowGeometry geometry) => geometry.Outputs;

    /// <inheritdoc/>
    public override void DenseNarrow(in NarrowGeometry geometry, ReadOnlySpan<byte> source, PackedWeights weights, in IntegerEpilogue epilogue, Span<byte> destination, int tileBegin, int tileEnd)
    {
        ReadOnlySpan<sbyte> w = weights.Span<sbyte>();
        for (int row = 0; row < geometry.Rows; row++)
        {
            for (int o = tileBegin; o < tileEnd; o++)
            {
                int sum = 0;
                for (int k = 0; k < geometry.Inputs; k++)
                {
                    sum += source[(row * geometry.Inputs) + k] * w[(o * geometry.Inputs) + k];
                }

                Store(epilogue, sum, o, destination, (row * geometry.Outputs) + o);
            }
        }
    }
}
