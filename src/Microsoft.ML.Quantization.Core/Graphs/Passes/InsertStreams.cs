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
/// additions run on codes. Ranges are the extremes of a sample; 8 bits are asymmetric, 16 bits symmetric. Values of 16 bits that additions join have one scale, so that sums of codes are codes,
/// unless a range is less than 1/64 of the widest: it then keeps its own. A normalization of 16 bits that no layer takes in has codes before it, too.
/// </summary>
public static class InsertStreams
{
    private const int Wide = 16;

    // 9 of 15 bits are left at least.
    private const double NarrowestShare = 1.0 / 64;

    /// <summary>Runs the pass.</summary>
    /// <param name="graph">A graph with quantizers.</param>
    /// <param name="bits">8 or 16.</param>
    /// <param name="sample">The values of the graph on some rows, by name.</param>
    public static Graph Run(Graph graph, int bits, Func<string, Tensor> sample)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(sample);
        var walk = new PassWalk(graph);
        List<HashSet<ValueId>> streams = Streams(walk, bits);
        var quantizers = new Dictionary<ValueId, (string Name, AffineQuantization Quantizer)>();
        foreach (HashSet<ValueId> stream in streams)
        {
            foreach ((ValueId site, AffineQuantization quantizer) in Quantizers(stream, bits, v => sample(graph[v].Name)))
            {
                ValueId before = Before(walk, site);
                quantizers[streams.Any(s => s.Contains(before)) ? site : before] = (graph[site].Name, quantizer);
            }
        }

        return quantizers.Count == 0 ? graph : Insert(graph, quantizers);
    }

    private static Graph Insert(Graph graph, Dictionary<ValueId, (string Name, AffineQuantization Quantizer)> quantizers)
    {
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            rewriter.Copy(node);
            foreach (ValueId output in node.Outputs.Where(quantizers.ContainsKey))
            {
                (string name, AffineQuantization quantizer) = quantizers[output];
                rewriter.Replace(output, NormalizeQdq.Add(rewriter.Builder, rewriter.Map(output), quantizer, name + ".stream"));
            }
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }

    /// <summary>Values that additions join, one set for each stream.</summary>
    private static List<HashSet<ValueId>> Streams(PassWalk walk, int bits)
    {
        List<HashSet<ValueId>> streams = [];
        foreach (Binary add in walk.Graph.Nodes.OfType<Binary>().Where(b => IsResidual(walk.Graph, b)))
        {
            HashSet<ValueId> joined = [.. add.Inputs, walk.SoleConsumer(add.Output) is Unary { Operator: UnaryOperator.Clip } clip ? clip.Output : add.Output];
            foreach (HashSet<ValueId> met in streams.Where(s => s.Overlaps(joined)).ToArray())
            {
                joined.UnionWith(met);
                streams.Remove(met);
            }

            streams.Add(joined);
        }

        if (bits == Wide)
        {
            streams.AddRange([.. streams.SelectMany(s => s).SelectMany(v => BehindNormalization(walk, v)).Where(v => !streams.Any(s => s.Contains(v))).Distinct().Select(v => new HashSet<ValueId> { v })]);
        }

        // An output of the graph keeps its floats, and an input's quantizer belongs to the layer that reads it.
        streams.ForEach(s => s.RemoveWhere(v => walk.IsOutput(v) || walk.Producer(v) is null or FakeQuantize or LearnedQuantize));
        return streams;
    }

    /// <summary>What a normalization behind a max pool reads: no layer takes that normalization in, so that it works on codes if it reads some.</summary>
    private static IEnumerable<ValueId> BehindNormalization(PassWalk walk, ValueId site)
        => walk.Producer(site) is BatchNormalization normalization && walk.Producer(normalization.Inputs[0]) is MaxPool ? [normalization.Inputs[0]] : [];

    private static IEnumerable<(ValueId Site, AffineQuantization Quantizer)> Quantizers(HashSet<ValueId> stream, int bits, Func<ValueId, Tensor> sample)
    {
        (ValueId Site, double Low, double High)[] ranges = [.. stream.OrderBy(v => v.Index).Select(v => Range(v, sample(v)))];
        double widest = ranges.Select(r => Math.Max(-r.Low, r.High)).DefaultIfEmpty().Max();
        foreach ((ValueId site, double low, double high) in ranges)
        {
            double own = Math.Max(-low, high);
            yield return (site, bits == Wide ? Symmetric(own < NarrowestShare * widest ? own : widest) : Asymmetric(low, high, bits));
        }
    }

    private static (ValueId Site, double Low, double High) Range(ValueId site, Tensor values)
        => (site, Math.Min(0, FloatReduction.Min(values.Values<float>())), Math.Max(0, FloatReduction.Max(values.Values<float>())));

    /// <summary>Codes keep the order of values, so a max pool that alone reads its input may as well take the largest code: half the bytes, and the layer before it writes codes.</summary>
    private static ValueId Before(PassWalk walk, ValueId site)
        => walk.Producer(site) is MaxPool pool && walk.Producer(pool.Inputs[0]) is not (null or FakeQuantize or LearnedQuantize) && walk.SoleConsumer(pool.Inputs[0]) is not null ? Before(walk, pool.Inputs[0]) : site;

    private static bool IsResidual(Graph graph, Binary node) => node.Operator == BinaryOperator.Add
        && node.Inputs.All(i => graph[i].Constant is null) && graph[node.Inputs[0]].Type.Shape.Equals(graph[node.Inputs[1]].Type.Shape);

    private static AffineQuantization Symmetric(double limit)
    {
        IntegerRange codes = IntegerRange.SignedNarrow(Wide);
        return AffineQuantization.PerTensor(new CodeType(new BitWidth(Wide), true), codes, AffineParameters.Symmetric(limit, codes));
    }

    private static AffineQuantization Asymmetric(double low, double high, int bits)
    {
        IntegerRange codes = IntegerRange.Unsigned(bits);
        return AffineQuantization.PerTensor(new CodeType(new BitWidth(bits), false), codes, AffineParameters.Asymmetric(low, high, codes));
    }
}
