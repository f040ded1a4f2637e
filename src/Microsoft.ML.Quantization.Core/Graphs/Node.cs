using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>
/// An operation. Each kind is one sealed record whose attributes are its properties; <see cref="NodeCatalog"/> lists them all.
/// Inputs that an operation may lack stand at the end and are left out.
/// </summary>
public abstract record Node
{
    /// <summary>The layer's name as the user knows it; unique in the graph.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Values read.</summary>
    public ImmutableArray<ValueId> Inputs { get; init; } = [];

    /// <summary>Values written; filled in by <see cref="GraphBuilder"/>.</summary>
    public ImmutableArray<ValueId> Outputs { get; init; } = [];

    /// <summary>The name of the kind, as printed and stored.</summary>
    public string Kind => GetType().Name;

    /// <summary>The only output of a node that has one.</summary>
    public ValueId Output => Outputs[0];

    /// <summary>Puts every attribute into <paramref name="attributes"/>, in a fixed order; printing and storing read them there.</summary>
    public abstract void Describe(NodeAttributes attributes);
}
