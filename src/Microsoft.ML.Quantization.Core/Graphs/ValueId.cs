using System.Globalization;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>The index of a value in <see cref="Graph.Values"/>.</summary>
/// <param name="Index">From 0.</param>
public readonly record struct ValueId(int Index)
{
    /// <inheritdoc/>
    public override string ToString() => "%" + Index.ToString(CultureInfo.InvariantCulture);
}
