using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Puts FakeQuantize nodes on the stream of a network whose layers have their quantizers: on both operands of every residual addition and on its result (behind the clamp, if one follows), so that
/// additions run on codes. Ranges are the extremes of a sample; 8 bits are asymmetric, 16 bits symmetric.
/// </summary>
public static class InsertStreams
{
    /// <summary>Runs the pass.</summary>
    /// <param name="graph">A graph with quantizers.</param>
    /// <param name="bits">8 or 16.</param>
    /// <param name="sample">The values of the graph on some rows, by name.</param>
    public static Graph Run(Graph graph, int bits, Func<string, Tensor> sample)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(sample);
        var walk = new PassWalk(graph);
        HashSet<ValueId> read = Sites(walk);
        Dictionary<ValueId, ValueId> sites = read.ToDictionary(s => read.Contains(Before(walk, s)) ? s : Before(walk, s));
        if (sites.Count == 0)
        {
            return graph;
        }

        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Copy(node);
            foreach (ValueId output in node.Outputs.Where(sites.ContainsKey))
            {
                string name = graph[sites[output]].Name;
                rewriter.Replace(output, NormalizeQdq.Add(rewriter.Builder, rewriter.Map(output), Quantizer(sample(name), bits), name + ".stream"));
            }
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }

    private static HashSet<ValueId> Sites(PassWalk walk)
    {
        HashSet<ValueId> sites = [];
        foreach (Binary add in walk.Graph.Nodes.OfType<Binary>().Where(b => IsResidual(walk.Graph, b)))
        {
            sites.UnionWith(add.Inputs);
            sites.Add(walk.SoleConsumer(add.Output) is Unary { Operator: UnaryOperator.Clip } clip ? clip.Output : add.Output);
        }

        // An output of the graph keeps its floats, and an input's quantizer belongs to the layer that reads it.
        sites.RemoveWhere(v => walk.IsOutput(v) || walk.Producer(v) is null or FakeQuantize or LearnedQuantize);
        return sites;
    }

    /// <summary>Codes keep the order of values, so a max pool that alone reads its input may as well take the largest code: half the bytes, and the layer before it writes codes.</summary>
    private static ValueId Before(PassWalk walk, ValueId site)
        => walk.Producer(site) is MaxPool pool && walk.Producer(pool.Inputs[0]) is not (null or FakeQuantize or LearnedQuantize) && walk.SoleConsumer(pool.Inputs[0]) is not null ? Before(walk, pool.Inputs[0]) : site;

    private static bool IsResidual(Graph graph, Binary node) => node.Operator == BinaryOperator.Add
        && node.Inputs.All(i => graph[i].Constant is null) && graph[node.Inputs[0]].Type.Shape.Equals(graph[node.Inputs[1]].Type.Shape);

    private static AffineQuantization Quantizer(Tensor values, int bits)
    {
        (double low, double high) = (Math.Min(0, FloatReduction.Min(values.Values<float>())), Math.Max(0, FloatReduction.Max(values.Values<float>())));
        if (bits == 8)
        {
            IntegerRange codes = IntegerRange.Unsigned(bits);
            return AffineQuantization.PerTensor(new CodeType(new BitWidth(bits), false), codes, AffineParameters.Asymmetric(low, high, codes));
        }

        IntegerRange wide = IntegerRange.SignedNarrow(bits);
        return AffineQuantization.PerTensor(new CodeType(new BitWidth(bits), true), wide, AffineParameters.Symmetric(Math.Max(-low, high), wide));
    }
}
