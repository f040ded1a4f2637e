using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Order of the elements of a row. Numbers are part of the file format.</summary>
public enum RowLayout
{
    /// <summary>Channel by channel, as the graph has it (NCHW).</summary>
    Planar = 0,

    /// <summary>Pixel by pixel with its channels together (NHWC), as images are stored.</summary>
    Interleaved = 1,
}

/// <summary>
/// What a caller gives for one input of the graph. A row's element x becomes the real fl(fl(x · Scale[c]) + Offset[c]), c being its channel, or index 0 when one number serves all.
/// </summary>
/// <param name="Name">The graph input's name.</param>
/// <param name="Element">Element type of the caller's data: Float32, UInt8 or Int64.</param>
/// <param name="Shape">The graph input's logical shape.</param>
/// <param name="Layout">Order of the caller's elements.</param>
/// <param name="Scale">Empty for 1.</param>
/// <param name="Offset">Empty for 0.</param>
public sealed record InputSignature(string Name, ElementType Element, Shape Shape, RowLayout Layout, ImmutableArray<float> Scale, ImmutableArray<float> Offset)
{
    /// <summary>The plain signature of a graph input: its own type, planar, no normalisation.</summary>
    public static InputSignature Of(Value input)
    {
        System.ArgumentNullException.ThrowIfNull(input);
        return new(input.Name, input.Type.Element, input.Type.Shape, RowLayout.Planar, [], []);
    }
}

/// <summary>What a caller gets of one output of the graph.</summary>
/// <param name="Name">The graph output's name.</param>
/// <param name="Element">Element type.</param>
/// <param name="Shape">Logical shape.</param>
public sealed record OutputSignature(string Name, ElementType Element, Shape Shape);

/// <summary>Inputs and outputs of a model, in the graph's order.</summary>
/// <param name="Inputs">One for each graph input.</param>
/// <param name="Outputs">One for each graph output.</param>
public sealed record ModelSignature(ImmutableArray<InputSignature> Inputs, ImmutableArray<OutputSignature> Outputs)
{
    /// <summary>The plain signature of a graph.</summary>
    public static ModelSignature Of(Graph graph)
    {
        System.ArgumentNullException.ThrowIfNull(graph);
        return new(
            [.. graph.Inputs.Select(i => InputSignature.Of(graph[i]))],
            [.. graph.Outputs.Select(o => new OutputSignature(graph[o].Name, graph[o].Type.Element, graph[o].Type.Shape))]);
    }

    /// <summary>Rows that one run of a graph without a free batch takes: the size that all inputs and outputs have in front, or 1.</summary>
    internal int FixedRows
    {
        get
        {
            int[] rows = [.. Inputs.Select(i => i.Shape).Concat(Outputs.Select(o => o.Shape)).Select(s => s.Rank == 0 ? 0 : s[0]).Distinct()];
            return rows.Length == 1 && rows[0] > 0 ? rows[0] : 1;
        }
    }
}
