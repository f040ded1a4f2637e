using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Computes nodes that read constants alone. Products and pools stay nodes: they cost more to compute here than to keep.</summary>
internal static class ConstantFolder
{
    /// <summary>The node's only output, or null when it is not folded.</summary>
    public static Tensor? TryFold(ImportContext context, Node node, string place, ImmutableArray<ImportValue> inputs)
    {
        bool cheap = node is Unary or Binary or Where or Cast or Reduce or Concat or Slice or Pad or Gather or Transpose or Reshape or Expand;
        if (!cheap || inputs.IsEmpty || !inputs.All(i => i.Constant is not null && !i.Type.IsCodes))
        {
            return null;
        }

        var builder = new GraphBuilder();
        Node ready = node with { Name = place, Inputs = [.. inputs.Select((v, i) => builder.AddConstant("c", v.Constant!))] };
        ValueId output = builder.Add(ready);
        ValueType type = builder[output].Type;
        if (type.Shape.IsFree)
        {
            return null;
        }

        if (node is Reshape)
        {
            return inputs[0].Constant!.Reshape(type.Shape);
        }

        context.Budget.Reserve((long)type.Shape.Count * type.Element.SizeOf(), place);
        builder.AddOutput(output);
        Graph graph = builder.Build();
        Tensor result = Tensor.Allocate(type.Element, type.Shape);
        OperatorTable.Reference.Run(graph, graph.Nodes[0], [.. inputs.Select(i => i.Constant!)], [result]);
        return result;
    }
}
