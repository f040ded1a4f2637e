using Microsoft.ML.Data;

namespace QuickStart;

/// <summary>One row of Fashion-MNIST.</summary>
public sealed class Image
{
    [VectorType(784)]
    public float[] Pixels { get; set; } = [];

    /// <summary>0 to 9; the key column holds it plus one.</summary>
    [KeyType(10)]
    public uint Label { get; set; }
}
