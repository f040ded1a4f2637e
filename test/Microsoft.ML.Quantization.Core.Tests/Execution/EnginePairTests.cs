using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
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
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Law: weights and activations of 8 to 1 bits in any pairing, in layers of each kind, equal the interpreter on every kernel set.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EnginePairTests
{
    [TestMethod]
    [DataRow(3, false)]
    [DataRow(1, false)]
    [DataRow(3, true)]
    [DataRow(0, false)]
    public void All_64_pairs_equal_the_interpreter(int kernel, bool depthwise)
    {
        for (int pair = 0; pair < 64; pair++)
        {
            Graph graph = Layer(kernel, depthwise, 1 + (pair / 8), 1 + (pair % 8));
            Shape row = graph[graph.Inputs[0]].Type.Shape;
            foreach (KernelSet set in KernelRegistry.Available)
            {
                foreach (PlanePolicy policy in new[] { PlanePolicy.Automatic, PlanePolicy.Always })
                {
                    EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.Floats(row.Bind(n), 4)], set, 1 + (pair % 2), policy);
                }
            }
        }
    }

    [TestMethod]
    [DataRow(3, true, "IntegerDepthwise→UInt8")]
    [DataRow(1, false, "IntegerConvolution→UInt8")]
    [DataRow(0, false, "IntegerDense→UInt8")]
    public void Thresholds_of_one_step_go_into_a_layer_on_bytes(int kernel, bool depthwise, string operation)
    {
        Graph graph = Layer(kernel, depthwise, 5, 1);
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1, policy: PlanePolicy.Never);
        string[] operations = [.. engine.Explain().Steps.Select(s => s.Operation)];
        CollectionAssert.Contains(operations, operation, string.Join(" ", operations));
        CollectionAssert.DoesNotContain(operations, "Thresholds");
        CollectionAssert.DoesNotContain(operations, "LookupTable", "codes are doubled on the way");
        Assert.AreEqual("W5A1", engine.Explain().Steps.Single(s => s.Operation == operation).Bits);
    }

    [TestMethod]
    public void Planes_and_bytes_are_chosen_by_the_table()
    {
        KernelSet set = KernelRegistry.Active;
        Graph graph = Layer(0, false, 2, 2, 64, 32);
        using PackedProgram always = Packer.Pack(graph, ModelSignature.Of(graph), set, PlanePolicy.Always);
        KernelWork planes = new BoundProgram(always, 1, new ThreadSplit(1), long.MaxValue).Steps.Select(s => s.Work).First(w => w.Operation == KernelOperation.ConvolutionPlanes);
        var bytes = KernelWork.Of(KernelOperation.ConvolutionByte, 8, ConvolutionGeometry.Dense(1, 64, 32));
        foreach ((double planeTime, double byteTime, bool expected) in new[] { (100.0, 120.0, true), (120.0, 100.0, false), (100.0, 99.0, true) })
        {
            var table = new ThroughputTable("here", [new(set.Name, planes, planeTime), new(set.Name, bytes, byteTime)]);
            using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelChooser.By([set], table));
            PackedStep layer = program.Steps.First(s => s.Layer == "layer" && s.Facts.WeightBytes > 0);
            Assert.AreEqual(expected, layer.Operation.StartsWith("Plane", System.StringComparison.Ordinal), $"{planeTime} and {byteTime}: {layer.Operation}");
            StringAssert.Contains(layer.Facts.Reason, expected ? "popcount" : "is expected to take longer");
        }
    }

    [TestMethod]
    public void Narrow_weights_serve_few_rows_and_bytes_many()
    {
        KernelSet set = KernelRegistry.Active;
        Graph graph = Layer(0, false, 2, 8);
        Shape weights = graph[graph.Nodes.OfType<IntegerDense>().First().Inputs[1]].Type.Shape;
        ThroughputEntry Wide(int rows, double time) => new(set.Name, KernelWork.Of(KernelOperation.ConvolutionByte, 8, ConvolutionGeometry.Dense(rows, weights[1], weights[0])), time);
        ThroughputEntry Narrow(int rows, double time) => new(set.Name, KernelWork.Of(new NarrowGeometry(rows, weights[1], weights[0], 2, 1)), time);
        var table = new ThroughputTable("here", [Wide(1, 1000), Wide(7, 1000), Narrow(1, 100), Narrow(7, 5000)]);
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelChooser.By([set], table));
        KernelOperation Bound(int rows)
        {
            var bound = new BoundProgram(program, rows, new ThreadSplit(1), long.MaxValue);
            return bound.Steps[program.Steps.ToList().FindIndex(s => s.Layer == "layer")].Work.Operation;
        }

        Assert.AreEqual(KernelOperation.DenseNarrow, Bound(1));
        Assert.AreEqual(KernelOperation.ConvolutionByte, Bound(7));
        using var engine = new Engine(program, WorkerPool.Single, long.MaxValue);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        foreach (int rows in new[] { 1, 7 })
        {
            Tensor[] given = [RandomTensors.Floats(graph[graph.Inputs[0]].Type.Shape.Bind(rows), 4)];
            EngineAssert.AreEqual(interpreter.Run(given), engine.Run(given), $"{rows} rows");
        }
    }

    [TestMethod]
    public void Narrow_weights_take_their_bits_and_say_so()
    {
        Graph graph = Layer(0, false, 4, 8, 300, 200);
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1, policy: PlanePolicy.Always);
        StepReport step = engine.Explain().Steps.First(s => s.Layer == "layer");
        Assert.AreEqual("NarrowDense→UInt8", step.Operation);
        StringAssert.StartsWith(step.Reason, "weights stay at 4 bits in memory");
        Assert.IsTrue(step.WeightBytes < 300 * 200 * 0.6, $"{step.WeightBytes} bytes");
    }

    /// <summary>floats → codes → layer → codes → floats; the kernel of a dense layer is 0.</summary>
    private static Graph Layer(int kernel, bool depthwise, int weightBits, int activationBits, int inputs = 0, int outputs = 0)
    {
        var random = new CounterRandom(9, (ulong)kernel, (ulong)((weightBits * 8) + activationBits));
        int channels = inputs > 0 ? inputs : random.Integer(0, 1, kernel == 0 ? 90 : 36);
        outputs = depthwise ? channels : outputs > 0 ? outputs : random.Integer(1, 1, kernel == 0 ? 70 : 36);
        AffineQuantization codes = activationBits == 1 ? HandmadeGraphs.MidRise(1, 0.5f) : HandmadeGraphs.Activations(activationBits, 0.1f, random.Integer(2, 0, (1 << activationBits) - 1));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(kernel == 0 ? Shape.Of(Shape.Free, channels) : Shape.Of(Shape.Free, channels, random.Integer(3, 2, 5), random.Integer(4, 2, 5))));
        ValueId q = builder.Add(new Quantize { Name = "enter", Inputs = [x], Result = codes });
        AffineQuantization weights = Weights(weightBits, random.Integer(5, 0, 2));
        Shape shape = kernel == 0 ? Shape.Of(outputs, channels) : Shape.Of(outputs, depthwise ? 1 : channels, kernel, kernel);
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(weights, shape, 3), weights);
        ValueId b = builder.AddConstant("b", RandomTensors.Integers(Shape.Of(outputs), 5, -20, 20));
        int stride = random.Integer(6, 1, 2);
        ValueId y = builder.Add(kernel == 0
            ? new IntegerDense { Name = "layer", Inputs = [q, w, b] }
            : new IntegerConvolution { Name = "layer", Inputs = [q, w, b], Groups = depthwise ? channels : 1, Window = HandmadeGraphs.Square(kernel, stride, kernel / 2) });
        ValueId z = builder.Add(activationBits == 1
            ? new Thresholds { Name = "codes", Inputs = [y], Integers = [.. Enumerable.Range(0, outputs).Select(i => random.Integer(100 + i, -9, 9))], Directions = [.. Enumerable.Range(0, outputs).Select(i => i % 3 == 0 ? -1 : 1)], Result = codes }
            : new Requantize { Name = "codes", Inputs = [y], Multipliers = [0.01f], Offsets = [1], Axis = 1, Minimum = 0, Maximum = codes.Range.Max, Result = codes });
        builder.AddOutput(builder.Add(new Dequantize { Name = "leave", Inputs = [z] }));
        return builder.Build();
    }

    private static AffineQuantization Weights(int bits, int form)
    {
        bool midRise = form == 0 && bits < 8;
        var code = new CodeType(new BitWidth(bits), form == 1 && bits > 1, midRise ? CodeSpace.MidRise : CodeSpace.Affine);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(0.01f, form == 2 && bits == 8 ? 128 : 0));
    }
}
