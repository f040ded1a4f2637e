using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>What a value of a graph holds.</summary>
/// <param name="Element">Element type.</param>
/// <param name="Shape">Logical shape (NCHW), the batch may be free.</param>
/// <param name="Quantization">How its codes stand for reals; null when the value holds no codes (floats, accumulators, indices).</param>
public sealed record ValueType(ElementType Element, Shape Shape, AffineQuantization? Quantization = null)
{
    /// <summary>A float value.</summary>
    public static ValueType Float(Shape shape) => new(ElementType.Float32, shape);

    /// <summary>A value of codes.</summary>
    public static ValueType Codes(AffineQuantization quantization, Shape shape) => new(quantization?.Element ?? ElementType.UInt8, shape, quantization);

    /// <summary>Whether the value holds codes.</summary>
    public bool IsCodes => Quantization is not null;

    /// <inheritdoc/>
    public override string ToString() => Quantization is null ? $"{Element}{Shape}" : $"{Element}{Shape} {Quantization}";
}
