using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>
/// The integer graph against what the fake-quantized graph means, computed in double from the very codes that came before, layer by layer: every code lies within half a step,
/// so that it can only differ from the double's where that lies next to a tie.
/// </summary>
[TestClass]
public sealed class InnerOracleTests
{
    /// <summary>Three float32 roundings of numbers of up to 255 steps, with room: 255 · 3 · 2^-24 is 0.00005.</summary>
    private const double Slack = 0.001;

    public static IEnumerable<object[]> Cases => GraphCases.Names.SelectMany(n => Enumerable.Range(2, 7).Select(b => new object[] { n, b }));

    public static IEnumerable<object[]> TrainedCases => Networks.Names.SelectMany(n => Enumerable.Range(2, 7).Select(b => new object[] { n, b }));

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Every_code_is_that_of_the_double_oracle_or_next_to_a_tie(string name, int bits)
    {
        Graph graph = GraphCases.Create(name);
        QuantizationResult result = Networks.Fit(graph, Scheme(bits), [GraphCases.Inputs(graph, 40, 3)], KernelRegistry.Active);
        Judge(result, GraphCases.Inputs(graph, 2, 9));
    }

    [TestMethod]
    [DynamicData(nameof(TrainedCases))]
    public void Every_code_of_a_trained_network_is_that_of_the_double_oracle_or_next_to_a_tie(string name, int bits)
    {
        Graph graph = Networks.Float(name);
        QuantizationResult result = Networks.Fit(graph, Scheme(bits), Networks.Calibration(graph, 64, 64), KernelRegistry.Active);
        Judge(result, [Networks.Test(graph, 1)]);
    }

    private static QuantizationScheme Scheme(int bits) => new() { WeightBits = bits, ActivationBits = bits, EdgeLayers = EdgeLayers.SameBits };

    private void Judge(QuantizationResult result, Tensor[] inputs)
    {
        Graph fake = result.FakeQuantized.Bind(inputs[0].Shape[0]);
        Dictionary<string, (ValueId Id, Tensor Codes)> codes = Codes(result.Integer, inputs);
        Dictionary<ValueId, FakeQuantize> quantizers = fake.Nodes.OfType<FakeQuantize>().ToDictionary(n => n.Output);
        DoubleOracleResult oracle = DoubleOracle.Run(fake, inputs, id => Find(codes, fake[id].Name) is { } found ? Reals(found.Codes, quantizers[id].Quantizer(fake), fake[id].Type.Shape) : null);
        int judged = 0;
        int all = 0;
        int different = 0;
        foreach ((ValueId id, double[] exact) in oracle.Unrounded)
        {
            // A quantizer behind another of the same step and zero point has no codes of its own.
            all += exact.Length;
            if (Find(codes, fake[id].Name) is not { } found)
            {
                continue;
            }

            double slack = Slack + BiasSlack(result.Integer, found.Id) + (quantizers[id].Code.Bits.Bits > 8 ? 0.02 : 0);
            int[] integers = Integers(found.Codes);
            for (int i = 0; i < exact.Length; i++)
            {
                double distance = Math.Abs(integers[i] - exact[i]);
                Assert.IsTrue(distance <= 0.5 + slack, string.Create(CultureInfo.InvariantCulture, $"{fake[id].Name}, element {i}: exactly {exact[i]}, found code {integers[i]}, slack {slack}"));
                different += distance > 0.5 ? 1 : 0;
            }

            judged += exact.Length;
        }

        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{different} of {judged} codes differ, each next to a tie"));
        Assert.IsTrue(judged >= all * 0.85, $"{judged} of {all} codes were judged");
        Assert.IsTrue(different <= judged / 100, $"{different} of {judged} codes differ");
    }

    /// <summary>A bias counts in accumulator steps; half of one, in steps of the result, is what its rounding may move, unless an offset carries the rest.</summary>
    private static double BiasSlack(Graph graph, ValueId codes)
    {
        Requantize? step = graph.Nodes.OfType<Requantize>().FirstOrDefault(n => n.Output == codes);
        Node? layer = step is null ? null : graph.Nodes.FirstOrDefault(n => n.Outputs.Contains(step.Inputs[0]));
        bool rounded = layer is IntegerConvolution or IntegerDense && layer.Inputs.Length > 2 && step!.Offsets.All(o => o == 0);
        return rounded ? 0.5 * step!.Multipliers.Max(Math.Abs) : 0;
    }

    private static Dictionary<string, (ValueId Id, Tensor Codes)> Codes(Graph graph, Tensor[] inputs)
    {
        var codes = new Dictionary<string, (ValueId, Tensor)>(StringComparer.Ordinal);
        foreach (int i in Enumerable.Range(0, graph.Values.Length).Where(i => graph.Values[i] is { Constant: not null, Type.Quantization: not null }))
        {
            codes[graph.Values[i].Name] = (new ValueId(i), graph.Values[i].Constant!);
        }

        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        evaluator.Run(inputs, (id, tensor) => codes[graph[id].Name] = (id, tensor), CancellationToken.None);
        return codes;
    }

    private static (ValueId Id, Tensor Codes)? Find(Dictionary<string, (ValueId Id, Tensor Codes)> codes, string name)
        => codes.TryGetValue(name + ".codes", out (ValueId, Tensor) found) || codes.TryGetValue(name, out found) ? found : null;

    private static double[] Reals(Tensor codes, AffineQuantization quantizer, Shape shape)
        => [.. Integers(codes).Select((c, i) => (double)(c - quantizer.ZeroPoints[quantizer.GroupOf(shape, i)]) * quantizer.Scales[quantizer.GroupOf(shape, i)])];

    private static int[] Integers(Tensor tensor) => tensor.Type switch
    {
        ElementType.UInt8 => Array.ConvertAll(tensor.Values<byte>().ToArray(), v => (int)v),
        ElementType.Int8 => Array.ConvertAll(tensor.Values<sbyte>().ToArray(), v => (int)v),
        ElementType.Int16 => Array.ConvertAll(tensor.Values<short>().ToArray(), v => (int)v),
        _ => throw new InvalidOperationException($"{tensor.Type} is no code"),
    };
}
