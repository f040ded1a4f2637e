namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>An integer known at import, or a multiple of the free batch size.</summary>
/// <param name="Factor">The number, or the factor of the batch size.</param>
/// <param name="IsBatch">Whether the batch size is a factor.</param>
internal readonly record struct Symbol(long Factor, bool IsBatch)
{
    /// <summary>The batch size itself.</summary>
    public static Symbol Batch { get; } = new(1, true);

    /// <summary>A dimension of a shape.</summary>
    public static Symbol OfDimension(int dimension) => dimension == Tensors.Shape.Free ? Batch : new Symbol(dimension, false);
}
