using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>One verification that was run when the model was fitted: hashes of the bytes of all inputs and all outputs, in order.</summary>
/// <param name="Batch">Rows of the run.</param>
/// <param name="Seed">Seed of the input rows (<see cref="Numerics.CounterRandom"/>, site = input index).</param>
/// <param name="InputHash">SHA-256 of the inputs, lower-case hexadecimal.</param>
/// <param name="OutputHash">SHA-256 of the outputs, lower-case hexadecimal.</param>
public sealed record ReferenceRun(int Batch, ulong Seed, string InputHash, string OutputHash);

/// <summary>What a model file says beside its graph.</summary>
public sealed record ModelMetadata
{
    /// <summary>Library version that fitted the model.</summary>
    public string Producer { get; init; } = string.Empty;

    /// <summary>Names of the classes of the first output, if they are known.</summary>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>A hash of the calibration statistics, empty when there were none.</summary>
    public string CalibrationFingerprint { get; init; } = string.Empty;

    /// <summary>Layers kept in float.</summary>
    public ImmutableArray<string> FloatLayers { get; init; } = [];

    /// <summary>Layers kept at 8 bits by an edge rule.</summary>
    public ImmutableArray<string> EightBitLayers { get; init; } = [];

    /// <summary>Free facts (scheme, source network, options), sorted by name when stored.</summary>
    public ImmutableSortedDictionary<string, string> Facts { get; init; } = ImmutableSortedDictionary.Create<string, string>(System.StringComparer.Ordinal);

    /// <summary>Verifications run when fitted.</summary>
    public ImmutableArray<ReferenceRun> ReferenceRuns { get; init; } = [];
}

/// <summary>Everything that a model file holds.</summary>
/// <param name="Graph">The integer (or pure float) graph.</param>
/// <param name="Signature">What callers give and get.</param>
/// <param name="Metadata">The rest.</param>
public sealed record ModelDocument(Graph Graph, ModelSignature Signature, ModelMetadata Metadata);
