using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>What a quantizer of activations makes of a real.</summary>
internal enum InputLevels
{
    /// <summary>Itself, or one of more than two levels.</summary>
    Real = 0,

    /// <summary>One of two levels of which one is below 0.</summary>
    Sign = 1,

    /// <summary>0 or a level above it.</summary>
    Step = 2,
}

/// <summary>The quantizer in front of a layer, and the padding between them where signs have one of their own.</summary>
/// <param name="Quantizer">The quantizer.</param>
/// <param name="Padding">The padding, or null.</param>
internal sealed record LayerInput(LearnedQuantize Quantizer, Pad? Padding)
{
    /// <summary>That of a layer without groups, or null where it reads no quantizer.</summary>
    public static LayerInput? Of(Graph graph, Node layer)
    {
        if (layer is Convolution { Groups: > 1 })
        {
            return null;
        }

        Node?[] producers = graph.Producers();
        Node? node = producers[layer.Inputs[0].Index];
        var padding = node as Pad;
        return (padding is null ? node : producers[padding.Inputs[0].Index]) is LearnedQuantize { Site: QuantizerSites.Activations } quantizer ? new LayerInput(quantizer, padding) : null;
    }

    /// <summary>What one bit makes of a real.</summary>
    public InputLevels Levels(Graph graph)
    {
        if (Quantizer.Method.Bits != 1)
        {
            return InputLevels.Real;
        }

        Tensor[] inputs = [Tensor.Create(Shape.Of(1), [float.MinValue]), .. Quantizer.Inputs.Skip(1).Select(graph.ConstantOf)];
        Tensor lowest = Tensor.Allocate(ElementType.Float32, Shape.Of(1));
        Quantizer.Evaluate(inputs, lowest, WorkerPool.Single);
        return lowest.Values<float>()[0] < 0 ? InputLevels.Sign : InputLevels.Step;
    }
}
