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
        Dictionary<string, long> reach = lowered.Layers.Where(l => l.IsInteger && l.Bound > 0).ToDictionary(l => l.Name, l => l.Bound, StringComparer.Ordinal);
        Node?[] producers = lowered.Integer.Producers();
        Dictionary<string, int> byLayer = new(StringComparer.Ordinal);
        foreach (Thresholds node in lowered.Integer.Nodes.OfType<Thresholds>().Where(t => !t.Integers.IsEmpty))
        {
            if (producers[node.Inputs[0].Index] is IntegerConvolution or IntegerDense && producers[node.Inputs[0].Index] is { } layer && reach.TryGetValue(layer.Name, out long bound))
            {
                int channels = lowered.Integer[node.Inputs[0]].Type.Shape[node.Axis];
                byLayer[layer.Name] = Enumerable.Range(0, channels).Count(c => IsConstant(node, c, bound));
            }
        }

        return ByWeights(trained, byLayer);
    }

    private static bool IsConstant(Thresholds node, int channel, long bound)
    {
        ReadOnlySpan<int> thresholds = node.Integers.AsSpan().Slice(node.Start(channel), node.Count);
        int direction = node.Direction(channel);
        foreach (int threshold in thresholds)
        {
            bool isReached = direction > 0 ? threshold > -bound && threshold <= bound : threshold >= -bound && threshold < bound;
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
