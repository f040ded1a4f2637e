using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>What a layer of integers takes in the <c>.mlq</c> file, without the file's headers.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="WeightBits">Bits of a weight.</param>
/// <param name="Weights">Number of weights.</param>
/// <param name="WeightBytes">Bytes of their codes, packed at their width.</param>
/// <param name="NumberBytes">Bytes of what stands beside them: scales, bias, and the multipliers, offsets or thresholds of the step that alone reads the layer.</param>
public sealed record LayerSize(string Layer, int WeightBits, long Weights, long WeightBytes, long NumberBytes)
{
    /// <summary>Both together.</summary>
    public long Bytes => WeightBytes + NumberBytes;

    /// <summary>The sizes of all integer layers of a document, in the order of the graph.</summary>
    public static ImmutableArray<LayerSize> Of(ModelDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        Graph graph = document.Graph;
        ILookup<ValueId, Node> readers = graph.Nodes.SelectMany(n => n.Inputs.Select(i => (Input: i, Node: n))).ToLookup(p => p.Input, p => p.Node);
        return [.. graph.Nodes.Where(n => n is IntegerConvolution or IntegerDense or GroupedDense && graph[n.Inputs[1]] is { Constant: not null, Type.Quantization: not null }).Select(n => Of(graph, n, readers))];
    }

    private static LayerSize Of(Graph graph, Node node, ILookup<ValueId, Node> readers)
    {
        Graphs.ValueType weights = graph[node.Inputs[1]].Type;
        long numbers = Length(new NodeAttributes().Set("codes", weights.Quantization!)) + Length(Attributes(node));
        numbers += node.Inputs.Skip(2).Sum(i => ConstantStore.Length(graph[i].Type));
        Node[] behind = [.. readers[node.Output].Take(2)];
        numbers += behind is [Requantize or DequantizeAccumulator or Thresholds or CombineAccumulators] ? Length(Attributes(behind[0])) : 0;
        return new LayerSize(node.Name, weights.Quantization!.Code.Bits.Bits, weights.Shape.Count, ConstantStore.Length(weights), numbers);
    }

    private static NodeAttributes Attributes(Node node)
    {
        var attributes = new NodeAttributes();
        node.Describe(attributes);
        return attributes;
    }

    private static long Length(NodeAttributes attributes)
    {
        var writer = new FieldWriter();
        AttributeCodec.Write(writer, attributes);
        return writer.ToArray().Length;
    }
}
