using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Counts the codes of weights of few bits that a step changes: the first sign of a learning rate that is too high, or of weights that are stuck.</summary>
internal sealed class FlipCounter(Graph graph, WorkerPool pool)
{
    private const int MostBits = 2;

    private readonly LearnedQuantize[] _nodes = [.. graph.Nodes.OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Weights && n.Method.Bits <= MostBits)];

    /// <summary>The codes of each weight by the name of the quantizer.</summary>
    public Dictionary<string, long[]> Codes(IReadOnlyDictionary<string, Tensor> constants) => _nodes.ToDictionary(n => n.Name, n => LevelCodes.Of(n.Method, Call(n, constants)), StringComparer.Ordinal);

    /// <summary>Share of codes that changed, by the name of the trained weights, and over all of them; NaN for no weights.</summary>
    public (Dictionary<string, float> Each, float All) Changed(Dictionary<string, long[]> before, IReadOnlyDictionary<string, Tensor> constants)
    {
        Dictionary<string, long[]> after = Codes(constants);
        var each = new Dictionary<string, float>(StringComparer.Ordinal);
        (double changed, long count) = (0, 0);
        foreach (LearnedQuantize node in _nodes)
        {
            double share = LevelCodes.Changed(before[node.Name], after[node.Name]);
            each[graph[QuantizedWeights.Latent(graph, node)].Name] = (float)share;
            (changed, count) = (changed + (share * after[node.Name].Length), count + after[node.Name].Length);
        }

        return (each, count > 0 ? (float)(changed / count) : float.NaN);
    }

    private MethodCall Call(LearnedQuantize node, IReadOnlyDictionary<string, Tensor> constants)
    {
        Tensor Of(ValueId id) => constants.GetValueOrDefault(graph[id].Name) ?? graph.ConstantOf(id);
        Tensor weights = QuantizedWeights.Values(graph, node, Of);
        return node.Call([weights, .. node.Inputs.Skip(1).Select(Of)], MethodContext.Evaluation, pool);
    }
}
