using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>Rows that were left out: how many, and the lowest indices among them.</summary>
/// <param name="Count">Number of rows.</param>
/// <param name="Rows">At most 64 indices, ascending.</param>
public sealed record SkippedRows(long Count, ImmutableArray<long> Rows)
{
    /// <summary>The most indices that are kept.</summary>
    public const int MaximumListed = 64;

    /// <summary>No row.</summary>
    public static SkippedRows None { get; } = new(0, []);

    /// <summary>These and more.</summary>
    internal SkippedRows And(IEnumerable<long> rows)
    {
        ImmutableArray<long> more = [.. rows];
        return new SkippedRows(Count + more.Length, Lowest(more));
    }

    /// <summary>These and those of another shard.</summary>
    internal SkippedRows And(SkippedRows other) => new(Count + other.Count, Lowest(other.Rows));

    private ImmutableArray<long> Lowest(ImmutableArray<long> more) => more.IsEmpty ? Rows : [.. Rows.Concat(more).Order().Take(MaximumListed)];
}
