using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>The sliding window of a convolution or pool; every list has one entry a spatial axis (1 to 3 of them).</summary>
public sealed record Window
{
    /// <summary>Window sizes.</summary>
    public required ImmutableArray<int> Kernel { get; init; }

    /// <summary>Steps.</summary>
    public required ImmutableArray<int> Strides { get; init; }

    /// <summary>Distances between taps.</summary>
    public required ImmutableArray<int> Dilations { get; init; }

    /// <summary>Padding before each axis.</summary>
    public required ImmutableArray<int> PadsBegin { get; init; }

    /// <summary>Padding behind each axis.</summary>
    public required ImmutableArray<int> PadsEnd { get; init; }

    /// <summary>Number of spatial axes.</summary>
    public int Rank => Kernel.Length;

    internal void Describe(NodeAttributes attributes) => attributes
        .Set("kernel", Kernel).Set("strides", Strides).Set("dilations", Dilations).Set("padsBegin", PadsBegin).Set("padsEnd", PadsEnd);

    internal static Window Read(NodeAttributes attributes) => new()
    {
        Kernel = attributes.Ints("kernel"),
        Strides = attributes.Ints("strides"),
        Dilations = attributes.Ints("dilations"),
        PadsBegin = attributes.Ints("padsBegin"),
        PadsEnd = attributes.Ints("padsEnd"),
    };
}
