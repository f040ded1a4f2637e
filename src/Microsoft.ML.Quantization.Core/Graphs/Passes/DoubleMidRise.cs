using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// An equal integer graph whose arithmetic reads affine codes: before a node that works on values, mid-rise codes c of k bits are doubled by a table into unsigned codes 2c of k + 1 bits
/// with zero point 2^k − 1, so that 2c − (2^k − 1) is code − zero point. Thresholds of which nothing but such a table is left to read the codes count each step twice instead. Nodes that only move or compare codes, and those that the caller names, read mid-rise codes as they are.
/// </summary>
public static class DoubleMidRise
{
    // What threshold tables of kernels hold.
    private const int MostSteps = 15;

    /// <summary>Runs the pass.</summary>
    /// <param name="graph">An integer graph.</param>
    /// <param name="readsMidRise">Whether a node reads mid-rise activations by itself.</param>
    public static Graph Run(Graph graph, Func<Node, bool> readsMidRise)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(readsMidRise);
        if (!graph.Nodes.Any(n => IsArithmetic(n) && Doubled(graph, n, readsMidRise).Any()))
        {
            return graph;
        }

        Graph result = PassWalk.Rewrite(graph, new Rewriting(graph, readsMidRise).Visit);
        GraphVerifier.Verify(result);
        return result;
    }

    private static bool IsArithmetic(Node node) => node is IntegerConvolution or IntegerDense or Requantize or DequantizeAccumulator or Dequantize or IntegerAdd or IntegerMultiply or IntegerAveragePool;

    /// <summary>The inputs of a node that are to be doubled.</summary>
    private static IEnumerable<int> Doubled(Graph graph, Node node, Func<Node, bool> readsMidRise)
    {
        int count = node is IntegerConvolution or IntegerDense ? 1 : node.Inputs.Length;
        return readsMidRise(node) ? [] : Enumerable.Range(0, count).Where(i => graph[node.Inputs[i]] is { Type.Quantization: { IsMidRise: true, Granularity: Granularity.PerTensor } });
    }

    private static AffineQuantization Affine(AffineQuantization quantizer)
    {
        int top = quantizer.Code.MidRiseTop;
        var code = new CodeType(new BitWidth(quantizer.Code.Bits.Bits + 1), Signed: false);
        return AffineQuantization.PerTensor(code, new IntegerRange(0, 2 * top), new AffineParameters(quantizer.Single.Scale, top));
    }

    private sealed class Rewriting(Graph graph, Func<Node, bool> readsMidRise)
    {
        private readonly Dictionary<ValueId, ValueId> _doubled = [];
        private readonly Node?[] _producers = graph.Producers();
        private readonly List<Node>[] _consumers = graph.Consumers();

        public bool Visit(GraphRewriter rewriter, Node node)
        {
            if (node is Thresholds thresholds && OnlyDoubled(node.Output))
            {
                AffineQuantization result = Affine(thresholds.Result);
                ValueId doubled = rewriter.Builder.Add(
                    thresholds with { Inputs = [.. node.Inputs.Select(rewriter.Map)], Outputs = [], Integers = Twice(thresholds, thresholds.Integers), Reals = Twice(thresholds, thresholds.Reals), Result = result },
                    graph[node.Output].Name + ".doubled");
                _doubled[node.Output] = doubled;
                return true;
            }

            int[] inputs = IsArithmetic(node) ? [.. Doubled(graph, node, readsMidRise)] : [];
            if (inputs.Length == 0)
            {
                return false;
            }

            ImmutableArray<ValueId> mapped = [.. node.Inputs.Select((value, i) => inputs.Contains(i) ? Double(rewriter, value) : rewriter.Map(value))];
            rewriter.Emit(node, node with { Inputs = mapped });
            return true;
        }

        /// <summary>Whether mid-rise codes are read by nodes that want them doubled, and by nothing else.</summary>
        private bool OnlyDoubled(ValueId value)
        {
            AffineQuantization codes = graph[value].Type.Quantization!;
            bool fits = codes is { IsMidRise: true, Granularity: Granularity.PerTensor } && codes.Range == codes.Code.Range && 2 * codes.Code.MidRiseTop <= MostSteps;
            List<Node> readers = _consumers[value.Index];
            return fits && readers.Count > 0 && !graph.Outputs.Contains(value)
                && readers.TrueForAll(r => IsArithmetic(r) && Enumerable.Range(0, r.Inputs.Length).Where(i => r.Inputs[i] == value).All(Doubled(graph, r, readsMidRise).Contains));
        }

        private static ImmutableArray<T> Twice<T>(Thresholds node, ImmutableArray<T> values)
            => [.. Enumerable.Range(0, values.Length / node.Count).SelectMany(c => Enumerable.Range(0, 2 * node.Count).Select(i => values[(c * node.Count) + (i % node.Count)]))];

        // The codes are doubled where they are made; the reshapes behind it follow one by one.
        private ValueId Double(GraphRewriter rewriter, ValueId value)
        {
            var reshapes = new Stack<Reshape>();
            ValueId first = value;
            while (!_doubled.ContainsKey(first) && _producers[first.Index] is Reshape reshape)
            {
                reshapes.Push(reshape);
                first = reshape.Inputs[0];
            }

            if (!_doubled.TryGetValue(first, out ValueId doubled))
            {
                doubled = _doubled[first] = AddTable(rewriter, first);
            }

            foreach (Reshape reshape in reshapes)
            {
                doubled = _doubled[reshape.Output] = rewriter.Builder.Add(reshape with { Name = reshape.Name + ".doubled", Inputs = [doubled, .. rewriter.Map(reshape.Inputs[1..])], Outputs = [] });
            }

            return doubled;
        }

        private ValueId AddTable(GraphRewriter rewriter, ValueId value)
        {
            AffineQuantization quantizer = graph[value].Type.Quantization!;
            string name = graph[value].Name + ".doubled";
            ImmutableArray<byte> table = [.. Enumerable.Range(0, (int)quantizer.Code.Range.Count).Select(c => (byte)(2 * c))];
            return rewriter.Builder.Add(new LookupTable { Name = name, Inputs = [rewriter.Map(value)], Table = table, Result = Affine(quantizer) }, name);
        }
    }
}
