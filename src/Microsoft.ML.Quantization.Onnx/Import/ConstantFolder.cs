using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Computes nodes that read constants alone.</summary>
internal static class ConstantFolder
{
    /// <summary>The node's only output, or null when it is not folded.</summary>
    public static Tensor? TryFold(ImportContext context, Node node, string place, ImmutableArray<ImportValue> inputs)
    {
        bool foldable = node is not (Split or Quantize or Dequantize or FakeQuantize) && inputs.All(i => i.Constant is not null && !i.Type.IsCodes);
        if (!foldable)
        {
            return null;
        }

        ImmutableArray<Value> values = [.. inputs.Select(i => new Value(i.Name, i.Type, i.Constant))];
        Shape shape = NodeCatalog.Infer(node with { Name = place }, values)[0].Shape;
        if (node is Reshape && !shape.IsFree)
        {
            return inputs[0].Constant!.Reshape(shape);
        }

        return null;
    }
}
