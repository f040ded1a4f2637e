using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.PostTraining;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>Channels of integer layers whose thresholds lie beyond what the accumulator can reach: the code behind them never changes.</summary>
internal static class ConstantOutputs
{
    /// <summary>How many there are by the trained weights of the layer; layers whose accumulators nothing compares are left out.</summary>
    public static Dictionary<string, int> Of(Graph trained, QuantizationResult lowered)
    {
        HashSet<string> names = [.. lowered.Layers.Where(l => l.IsInteger).Select(l => l.Name)];
        Graph graph = lowered.Integer;
        Node?[] producers = graph.Producers();
        Dictionary<string, int> byLayer = new(StringComparer.Ordinal);
        foreach (Thresholds node in graph.Nodes.OfType<Thresholds>().Where(t => !t.Integers.IsEmpty))
        {
            if (producers[node.Inputs[0].Index] is (IntegerConvolution or IntegerDense) and { } layer && names.Contains(layer.Name))
            {
                (long Low, long High)[] reach = AccumulatorBound.ReachOf(
                    graph.ConstantOf(layer.Inputs[1]), graph[layer.Inputs[1]].Type.Quantization!, graph[layer.Inputs[0]].Type.Quantization!, layer.Inputs.Length > 2 ? graph.ConstantOf(layer.Inputs[2]) : null);
                byLayer[layer.Name] = reach.Where((r, c) => IsConstant(node, c, r)).Count();
            }
        }

        return ByWeights(trained, byLayer);
    }

    private static bool IsConstant(Thresholds node, int channel, (long Low, long High) reach)
    {
        ReadOnlySpan<int> thresholds = node.Integers.AsSpan().Slice(node.Start(channel), node.Count);
        int direction = node.Direction(channel);
        foreach (int threshold in thresholds)
        {
            bool isReached = direction > 0 ? threshold > reach.Low && threshold <= reach.High : threshold >= reach.Low && threshold < reach.High;
            if (isReached)
            {
                return false;
            }
        }

        return true;
    }

    private static Dictionary<string, int> ByWeights(Graph trained, Dictionary<string, int> byLayer)
    {
        Node?[] producers = trained.Producers();
        var result = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Node layer in trained.Nodes.Where(n => byLayer.ContainsKey(n.Name)))
        {
            if (producers[layer.Inputs[1].Index] is LearnedQuantize weights)
            {
                result[trained[QuantizedWeights.Latent(trained, weights)].Name] = byLayer[layer.Name];
            }
        }

        return result;
    }
}
