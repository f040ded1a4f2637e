using System;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Layers of 1 and 2 bits on bit planes: every kind of weights and inputs, padding, groups, every tail; and what Explain says of them.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EnginePlaneTests
{
    private const int CasesPerKind = 10;

    [TestMethod]
    [DataRow(PlaneTail.Thresholds)]
    [DataRow(PlaneTail.FewCodes)]
    [DataRow(PlaneTail.Codes)]
    [DataRow(PlaneTail.Stream)]
    [DataRow(PlaneTail.Float)]
    [DataRow(PlaneTail.Twice)]
    public void Random_layers_of_few_bits_equal_the_interpreter(PlaneTail tail)
    {
        for (ulong seed = 0; seed < CasesPerKind; seed++)
        {
            Check(new PlaneLayerCases(seed).Convolution(tail));
            Check(new PlaneLayerCases(seed).Dense(tail));
        }
    }

    [TestMethod]
    public void The_network_of_the_golden_file_runs_alike()
        => EngineAssert.EqualsInterpreter(HandmadeGraphs.LowBitNet(), n => [RandomTensors.Floats(Shape.Of(n, 3, 6, 6), 4)]);

    [TestMethod]
    public void Codes_of_every_type_pass_thresholds()
    {
        var wide = new CodeType(new BitWidth(16), true);
        var narrow = new CodeType(new BitWidth(5), true);
        AffineQuantization[] inputs =
        [
            HandmadeGraphs.Activations(8, 0.02f, 100), AffineQuantization.PerTensor(wide, wide.Range, new AffineParameters(0.01f, 7)),
            AffineQuantization.PerTensor(narrow, IntegerRange.SignedNarrow(5), new AffineParameters(0.1f, -3)), HandmadeGraphs.MidRise(2, 0.5f), HandmadeGraphs.MidRise(5, 0.1f),
        ];
        AffineQuantization[] results = [HandmadeGraphs.MidRise(1, 1), HandmadeGraphs.MidRise(2, 1), HandmadeGraphs.Activations(4, 1, 3)];
        foreach ((AffineQuantization input, int i) in inputs.Select((q, i) => (q, i)))
        {
            foreach (AffineQuantization result in results)
            {
                EngineAssert.EqualsInterpreter(Comparison(input, result, 35, i % 2 == 0), n => [RandomTensors.OddFloats(Shape.Of(n, 35, 3, 3), 8)]);
            }
        }
    }

    [TestMethod]
    public void Every_float_enters_planes_as_the_interpreter_says()
    {
        foreach (int bits in new[] { 1, 2 })
        {
            Graph graph = Chain(40, HandmadeGraphs.MidRise(bits, 0.5f), 8, null);
            EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.OddFloats(Shape.Of(n, 40, 5, 5), 3)]);
        }
    }

    [TestMethod]
    public void A_chain_of_layers_stays_in_planes_and_says_popcount()
    {
        ModelReport report = Explain(Chain(64, HandmadeGraphs.MidRise(1, 0.5f), 64, null));
        string[] operations = [.. report.Steps.Select(s => s.Operation)];
        CollectionAssert.AreEqual((string[])["InputAsFloat", "Quantize", "PlaneConvolution→Planes", "MaxPool", "PlaneDense→Float32", "Output"], operations.Select(o => o == "Input" || o == "ToChannelsLast" ? "InputAsFloat" : o).Distinct().ToArray());
        Assert.IsTrue(report.Steps.Where(s => s.Operation.StartsWith("Plane", StringComparison.Ordinal)).All(s => s.Reason.StartsWith("popcount", StringComparison.Ordinal) && s.Bits == "W1A1"));
    }

    [TestMethod]
    public void A_layer_that_stays_on_bytes_says_why()
    {
        // By counted instructions: what a processor's table says is its own affair.
        Graph few = Chain(1, HandmadeGraphs.MidRise(1, 0.5f), 64, null);
        var choice = new PlaneChoice(few, PlanePolicy.Automatic, KernelChooser.By(KernelRegistry.Available, ThroughputTable.Empty));
        StringAssert.Contains(choice.Reason(few.Nodes.OfType<IntegerConvolution>().Single()), "counting the bits of 1 input channels in words of 32");
        ModelReport wide = Explain(Chain(64, HandmadeGraphs.MidRise(1, 0.5f), 64, HandmadeGraphs.MidRise(3, 0.5f)));
        StringAssert.Contains(wide.Steps.First(s => s.Operation.StartsWith("IntegerConvolution", StringComparison.Ordinal)).Reason, "its weights have more than 2 bits");
    }

    [TestMethod]
    public void Mid_rise_codes_of_three_bits_are_doubled_before_a_flatten_and_keep_their_name()
    {
        AffineQuantization codes = HandmadeGraphs.MidRise(3, 0.25f);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 4, 5, 5)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = codes });
        ValueId pooled = builder.Add(new MaxPool { Inputs = [q], Window = HandmadeGraphs.Square(2, 1, 0) });
        ValueId flat = builder.Add(new Reshape { Inputs = [pooled], Target = [0, -1] });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(codes, Shape.Of(6, 64), 2), codes);
        ValueId acc = builder.Add(new IntegerDense { Inputs = [flat, w] });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [acc], Multipliers = [0.5f], Offsets = [1] }));
        Graph graph = builder.Build();
        ModelReport report = Explain(graph);
        Assert.AreEqual("W3A3", report.Steps.Single(s => s.Operation.Contains("Dense", StringComparison.Ordinal)).Bits);
        Assert.IsFalse(report.Steps.Any(s => s.Operation == "ToRowMajor"));
        EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.Floats(Shape.Of(n, 4, 5, 5), 6)]);
    }

    [TestMethod]
    public void An_accumulator_with_several_readers_is_scaled_channels_last()
    {
        AffineQuantization sign = HandmadeGraphs.MidRise(1, 0.5f);
        var wide = new CodeType(new BitWidth(16), true);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 33, 5, 5)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = sign });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(sign, Shape.Of(33, 33, 3, 3), 2), sign);
        ValueId acc = builder.Add(new IntegerConvolution { Inputs = [q, w], Window = HandmadeGraphs.Square(3, 1, 1) });
        float[] m = [.. Enumerable.Range(0, 33).Select(i => (i - 9) / 32f)];
        foreach (AffineQuantization? result in new[] { null, HandmadeGraphs.Activations(8, 0.1f, 100), AffineQuantization.PerTensor(wide, wide.Range, new AffineParameters(0.01f, 0)) })
        {
            builder.AddOutput(result is null
                ? builder.Add(new DequantizeAccumulator { Inputs = [acc], Multipliers = [.. m], Offsets = [.. m.Reverse()], Activation = new Activation(-3, 5) })
                : builder.Add(new Requantize { Inputs = [acc], Multipliers = [.. m], Offsets = [.. m], Minimum = result.Range.Min, Maximum = result.Range.Max, Result = result }));
        }

        Graph graph = builder.Build();
        EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.Floats(Shape.Of(n, 33, 5, 5), 6)]);
        Assert.IsFalse(Explain(graph).Steps.Any(s => s.Reason.StartsWith("no packed step", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Packed_planes_are_a_fraction_of_bytes()
    {
        ModelReport report = Explain(Chain(64, HandmadeGraphs.MidRise(1, 0.5f), 64, null));
        long bytes = report.Steps.First(s => s.Operation.StartsWith("PlaneConvolution", StringComparison.Ordinal)).WeightBytes;
        Assert.IsTrue(bytes <= 64 * 64 * 9 * 3 / 8, $"{bytes} bytes");
    }

    [TestMethod]
    public void A_requantizer_of_few_codes_is_its_thresholds_for_every_accumulator()
    {
        var random = new CounterRandom(5, 5);
        for (int i = 0; i < 200; i++)
        {
            AffineQuantization result = HandmadeGraphs.Activations(1 + (i % 2), 0.1f, i % 3 % 2);
            float multiplier = (random.Integer(i, -50, 50) * (i % 7 == 0 ? 0 : 1)) / 100f;
            var node = new Requantize
            {
                Multipliers = [multiplier],
                Offsets = [random.Integer(i + 1000, -30, 30) / 10f],
                Minimum = i % 5 == 0 ? 1 : 0,
                Maximum = i % 11 == 0 ? 1 : result.Range.Max,
                Result = result,
            };
            ThresholdData<int> table = ThresholdData.Of(node, 1);
            for (int a = -500; a <= 500; a++)
            {
                int passed = table.Values.Count(t => table.Directions.Length == 0 ? a >= t : a <= t);
                Assert.AreEqual(Requantization.Apply(a, multiplier, node.Offsets[0], result.Single.ZeroPoint, node.Minimum, node.Maximum), passed, $"{node} at {a}");
            }
        }
    }

    /// <summary>floats → codes → thresholds → both the codes and a layer over them.</summary>
    private static Graph Comparison(AffineQuantization input, AffineQuantization result, int channels, bool mixed)
    {
        var random = new CounterRandom(3, (ulong)result.Range.Max);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, channels, 3, 3)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = input });
        ValueId y = builder.Add(new Thresholds
        {
            Inputs = [q],
            Integers = [.. Enumerable.Range(0, (mixed ? channels : 1) * result.Range.Max).Select(i => random.Integer(i, -40, 40))],
            Directions = mixed ? [.. Enumerable.Range(0, channels).Select(c => c % 3 == 0 ? -1 : 1)] : [-1],
            Result = result,
        });
        AffineQuantization sign = HandmadeGraphs.MidRise(1, 1);
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(sign, Shape.Of(4, channels, 1, 1), 2), sign);
        builder.AddOutput(y);
        builder.AddOutput(builder.Add(new IntegerConvolution { Inputs = [y, w], Window = HandmadeGraphs.Square(1, 1, 0) }));
        return builder.Build();
    }

    private static ModelReport Explain(Graph graph)
    {
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
        return engine.Explain();
    }

    /// <summary>floats → codes → 3x3 layer → sign → pool → flatten → dense → floats.</summary>
    private static Graph Chain(int channels, AffineQuantization codes, int outputs, AffineQuantization? weightCodes)
    {
        AffineQuantization sign = HandmadeGraphs.MidRise(1, 0.5f);
        AffineQuantization weights = weightCodes ?? sign;
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, channels, 5, 5)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = codes });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(weights, Shape.Of(outputs, channels, 3, 3), 1), weights);
        ValueId acc = builder.Add(new IntegerConvolution { Inputs = [q, w], Window = HandmadeGraphs.Square(3, 1, 1) });
        ValueId y = builder.Add(new Thresholds { Inputs = [acc], Integers = [2], Result = sign });
        ValueId pooled = builder.Add(new MaxPool { Inputs = [y], Window = HandmadeGraphs.Square(2, 2, 0) });
        ValueId flat = builder.Add(new Reshape { Inputs = [pooled], Target = [0, -1] });
        ValueId v = builder.AddConstant("v", RandomTensors.Codes(sign, Shape.Of(10, outputs * 4), 2), sign);
        ValueId dense = builder.Add(new IntegerDense { Inputs = [flat, v] });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [dense], Multipliers = [0.5f], Offsets = [1] }));
        return builder.Build();
    }

    private static void Check(Graph graph)
    {
        Tensor[] Inputs(int batch) => [.. graph.Inputs.Select(i => RandomTensors.Floats(graph[i].Type.Shape.Bind(batch), 5))];
        try
        {
            using (Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1, policy: PlanePolicy.Always))
            {
                Assert.IsTrue(engine.Explain().Steps.Any(s => s.Operation.StartsWith("Plane", StringComparison.Ordinal)), "nothing runs on planes");
            }

            EngineAssert.EqualsInterpreter(graph, Inputs);
        }
        catch (AssertFailedException exception)
        {
            throw new AssertFailedException(GraphPrinter.Print(graph), exception);
        }
    }
}
