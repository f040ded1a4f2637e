using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Nodes of quantizers in training, any method of the list.</summary>
internal static class MethodCases
{
    public static NodeCase LearnedQuantize(NodeCase c)
    {
        MethodEntry entry = QuantizationMethods.All[c.Dice.Next(0, QuantizationMethods.All.Length - 1)];
        QuantizationMethod method = entry.Default(entry.Bits[c.Dice.Next(0, entry.Bits.Length - 1)]);
        QuantizerSites site = entry.Sites.HasFlag(QuantizerSites.Weights) ? QuantizerSites.Weights : entry.Sites.HasFlag(QuantizerSites.Activations) ? QuantizerSites.Activations : QuantizerSites.Gradients;
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(2, 4), 1, 9);
        Tensor sample = RandomTensors.Floats(new Shape(shape), c.Dice.Seed());
        Tensor[] parameters = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, Microsoft.ML.Quantization.Graphs.Nodes.LearnedQuantize.ShapeOf(method, p, sample.Shape)))];
        if (site != QuantizerSites.Gradients)
        {
            method.Initialize(sample, parameters);
        }

        ValueId x = c.Floats(shape);
        return c.Build(new LearnedQuantize { Method = method, Site = site, Name = "learned", Inputs = [x, .. parameters.Select(p => c.Constant(p))] });
    }
}
