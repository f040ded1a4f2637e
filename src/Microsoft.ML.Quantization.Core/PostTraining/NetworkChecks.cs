using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>What makes a network unfit for quantization.</summary>
internal static class NetworkChecks
{
    /// <summary>Refuses networks that hold codes, or quantizers unless they may be taken out.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.AlreadyQuantized"/>.</exception>
    public static void RequireFloat(Graph graph, bool allowQuantized)
    {
        Node? quantizer = graph.Nodes.FirstOrDefault(n => n is FakeQuantize || IsStored(graph, n));
        Node? integer = graph.Nodes.FirstOrDefault(n => !IsStored(graph, n) && n.Outputs.Concat(n.Inputs).Any(v => graph[v].Type.IsCodes));
        if (integer is not null || (quantizer is not null && !allowQuantized))
        {
            Node found = integer ?? quantizer!;
            string wayOut = integer is null ? "Set AllowQuantized to quantize it anew, or lower it with its own parameters." : "Start from the float network.";
            throw new QuantizationException(QuantizationErrorCode.AlreadyQuantized, $"Network: expected floats only, found {found.Kind} '{found.Name}'. {wayOut}");
        }
    }

    /// <summary>Refuses networks without a layer that the scheme quantizes.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NothingToQuantize"/>.</exception>
    public static void RequireLayers(ImmutableArray<LayerPlan> layers)
    {
        if (layers.Any(l => l.WeightBits != LayerPlan.FloatBits))
        {
            return;
        }

        string found = layers.IsEmpty ? "none" : string.Join("; ", layers.Take(8).Select(l => $"'{l.Name}' ({l.Reason})"));
        throw new QuantizationException(QuantizationErrorCode.NothingToQuantize, $"Network: expected at least one convolution or dense layer to quantize, found {found}. Choose another network, or fewer float layers.");
    }

    /// <summary>Refuses weights and biases that are not finite in layers that the scheme quantizes.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteWeight"/>.</exception>
    public static void RequireFiniteWeights(Graph graph, ImmutableArray<LayerPlan> layers)
    {
        HashSet<string> quantized = [.. layers.Where(l => l.WeightBits != LayerPlan.FloatBits).Select(l => l.Name)];
        foreach (Node node in graph.Nodes.Where(n => quantized.Contains(n.Name)))
        {
            foreach (ValueId input in node.Inputs.Skip(1))
            {
                RequireFinite(node, graph[input]);
            }
        }
    }

    private static bool IsStored(Graph graph, Node node) => node is Dequantize && graph[node.Inputs[0]].Constant is not null;

    private static void RequireFinite(Node node, Value constant)
    {
        ReadOnlySpan<float> values = constant.Constant!.Values<float>();
        int index = FiniteNumbers.FirstOther(values);
        if (index >= 0)
        {
            throw new QuantizationException(
                QuantizationErrorCode.NonFiniteWeight,
                string.Create(CultureInfo.InvariantCulture, $"Layer '{node.Name}', constant '{constant.Name}' {constant.Type.Shape}: expected finite numbers, found {values[index]} at index {index}. Repair the network, or keep this layer float."));
        }
    }
}
