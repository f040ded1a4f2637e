using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>Reductions. Numbers are part of the file format.</summary>
public enum ReduceOperator
{
    /// <summary>Σ x.</summary>
    Sum = 1,

    /// <summary>Σ x / n.</summary>
    Mean = 2,

    /// <summary>Largest.</summary>
    Maximum = 3,

    /// <summary>Smallest.</summary>
    Minimum = 4,

    /// <summary>Product.</summary>
    Product = 5,

    /// <summary>Σ |x|.</summary>
    L1 = 6,

    /// <summary>√Σ x².</summary>
    L2 = 7,

    /// <summary>Σ x².</summary>
    SumSquare = 8,

    /// <summary>log Σ x.</summary>
    LogSum = 9,

    /// <summary>log Σ exp x.</summary>
    LogSumExp = 10,
}

/// <summary>
/// Reduction over the given axes (none = all). The reduced elements of one output, in row-major order, go into 16 strided lanes (element i
/// into lane i mod 16, ascending), combined by the tree 8-4-2-1. Lanes start at +0, the product's at 1, Maximum's at −∞ (v &gt; best ? v : best), Minimum's at +∞; squares are
/// rounded before they are added. LogSumExp is fl(m + log Σ exp(fl(x − m))), m being the maximum, or 0 when that is not finite.
/// </summary>
public sealed record Reduce : Node
{
    /// <summary>The reduction.</summary>
    public required ReduceOperator Operator { get; init; }

    /// <summary>The axes, normalised and ascending.</summary>
    public required ImmutableArray<int> Axes { get; init; }

    /// <summary>Whether reduced axes stay with size 1.</summary>
    public bool KeepDimensions { get; init; } = true;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("operator", Operator).Set("axes", Axes).Set("keep", KeepDimensions);

    internal static Reduce Read(NodeAttributes a) => new() { Operator = a.Enum<ReduceOperator>("operator"), Axes = a.Ints("axes"), KeepDimensions = a.Flag("keep") };
}
