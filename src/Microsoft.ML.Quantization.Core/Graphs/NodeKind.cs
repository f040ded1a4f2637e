using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Rules;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>One row of <see cref="NodeCatalog"/>.</summary>
/// <param name="Type">The record.</param>
/// <param name="Read">Makes one from attributes.</param>
/// <param name="Rule">Output types from the node and its inputs; throws a <see cref="QuantizationException"/> when they do not fit.</param>
public sealed record NodeKind(Type Type, Func<NodeAttributes, Node> Read, Func<RuleContext, ImmutableArray<ValueType>> Rule)
{
    /// <summary>The kind's name.</summary>
    public string Name => Type.Name;
}
