using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Products of two computed values inside graphs, as attention has them.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineProductTests
{
    private static readonly AffineQuantization _left = Codes(false, 0, 255, 37);
    private static readonly AffineQuantization _result = Codes(false, 0, 255, 111);

    [TestMethod]
    [DataRow(true, -127, 127, 0)]
    [DataRow(false, 0, 254, 127)]
    [DataRow(false, 0, 255, 3)]
    [DataRow(true, -8, 7, 5)]
    public void Products_of_codes_equal_the_interpreter(bool signed, int lowest, int highest, int zero)
    {
        AffineQuantization right = Codes(signed, lowest, highest, zero);
        var builder = new GraphBuilder();
        ValueId a = builder.AddInput("a", ValueType.Float(Shape.Of(Shape.Free, 3, 5, 70)));
        ValueId b = builder.AddInput("b", ValueType.Float(Shape.Of(Shape.Free, 3, 70, 41)));
        ValueId shared = builder.AddInput("shared", ValueType.Float(Shape.Of(70, 33)));
        ValueId x = builder.Add(new Quantize { Name = "qa", Inputs = [a], Result = _left });
        ValueId y = builder.Add(new Quantize { Name = "qb", Inputs = [b], Result = right });
        ValueId z = builder.Add(new Quantize { Name = "qs", Inputs = [shared], Result = right });
        ValueId first = builder.Add(new IntegerMatMul { Name = "first", Inputs = [x, y] });
        builder.AddOutput(builder.Add(new Requantize { Name = "codes", Inputs = [first], Multipliers = [0.01f], Offsets = [0.25f], Minimum = 0, Maximum = 250, Result = _result }));
        ValueId second = builder.Add(new IntegerMatMul { Name = "second", Inputs = [x, z] });
        float[] multipliers = [.. Enumerable.Range(1, 33).Select(i => i * 0.001f)];
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Name = "floats", Inputs = [second], Multipliers = [.. multipliers], Offsets = [.. multipliers], Axis = 3, Activation = Activation.Relu }));
        builder.AddOutput(builder.Add(new IntegerMatMul { Name = "third", Inputs = [x, y] }));
        EngineAssert.EqualsInterpreter(
            builder.Build(),
            batch => [RandomTensors.Floats(Shape.Of(batch, 3, 5, 70), 1), RandomTensors.Floats(Shape.Of(batch, 3, 70, 41), 2), RandomTensors.Floats(Shape.Of(70, 33), 3)]);
    }

    [TestMethod]
    public void Products_of_floats_softmax_and_moves_equal_the_interpreter()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 9, 3, 20)));
        ValueId indices = builder.AddInput("indices", new ValueType(ElementType.Int64, Shape.Of(4)));
        ValueId q = builder.Add(new Transpose { Name = "q", Inputs = [x], Permutation = [0, 2, 1, 3] });
        ValueId k = builder.Add(new Transpose { Name = "k", Inputs = [x], Permutation = [0, 2, 3, 1] });
        ValueId scores = builder.Add(new Softmax { Name = "softmax", Inputs = [builder.Add(new MatMul { Name = "scores", Inputs = [q, k] })], Axis = -1 });
        ValueId mixed = builder.Add(new MatMul { Name = "mixed", Inputs = [scores, q] });
        builder.AddOutput(builder.Add(new Gather { Name = "gather", Inputs = [mixed, indices], Axis = 2 }));
        builder.AddOutput(builder.Add(new Softmax { Name = "logarithms", Inputs = [mixed], Axis = 1, Logarithm = true }));
        builder.AddOutput(builder.Add(new Slice { Name = "slice", Inputs = [mixed], Starts = [18], Ends = [2], Steps = [-3], Axes = [3] }));
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Floats(Shape.Of(batch, 9, 3, 20), 4), Tensor.Create(Shape.Of(4), [8L, -9, 0, -1])]);
    }

    [TestMethod]
    [DataRow(255, 0, 0, 255)]
    [DataRow(0, 255, 255, 0)]
    [DataRow(255, 0, 255, 128)]
    [DataRow(0, 255, 1, 128)]
    public void The_longest_sums_fit_at_the_extremes(int a, int za, int b, int zb)
    {
        const int Depth = IntegerMatMul.LongestDepth;
        AffineQuantization left = Codes(false, 0, 255, za);
        AffineQuantization right = zb == 128 ? Codes(false, 1, 255, zb) : Codes(false, 0, 255, zb);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(2, Depth)));
        ValueId y = builder.AddInput("y", ValueType.Float(Shape.Of(Depth, 2)));
        ValueId codes = builder.Add(new Quantize { Name = "qx", Inputs = [x], Result = left });
        builder.AddOutput(builder.Add(new IntegerMatMul { Name = "product", Inputs = [codes, builder.Add(new Quantize { Name = "qy", Inputs = [y], Result = right })] }));
        Graph graph = builder.Build();
        Tensor[] inputs = [Filled(Shape.Of(2, Depth), a - za), Filled(Shape.Of(Depth, 2), b - zb)];
        EngineAssert.EqualsInterpreter(graph, _ => inputs);
        Assert.AreEqual((a - za) * (b - zb) * Depth, new Evaluator(graph, OperatorTable.Reference).Run(inputs)[0].Values<int>()[0]);
    }

    [TestMethod]
    public void Longer_sums_are_refused()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(_left, Shape.Of(2, IntegerMatMul.LongestDepth + 1)));
        ValueId y = builder.AddInput("y", ValueType.Codes(_left, Shape.Of(IntegerMatMul.LongestDepth + 1, 2)));
        Assert.ThrowsException<QuantizationException>(() => builder.Add(new IntegerMatMul { Inputs = [x, y] }));
    }

    [TestMethod]
    public void Repacked_matrices_are_the_packed_transposes_of_every_set()
    {
        foreach ((int depth, int columns) in new[] { (1, 1), (7, 5), (33, 70), (64, 32) })
        {
            ConvolutionGeometry geometry = ConvolutionGeometry.Dense(3, depth, columns);
            float[] matrix = RandomTensors.Floats(Shape.Of(depth, columns), 5).Values<float>().ToArray();
            float[] turned = [.. Enumerable.Range(0, matrix.Length).Select(i => matrix[(i % depth * columns) + (i / depth)])];
            sbyte[] codes = [.. Enumerable.Range(0, matrix.Length).Select(i => (sbyte)(i * 37))];
            foreach (KernelSet set in KernelRegistry.Available)
            {
                using PackedWeights expected = set.PackConvolutionFloat(geometry, turned);
                using PackedWeights found = set.PackConvolutionFloat(geometry, new float[matrix.Length]);
                set.RepackMatrixFloat(geometry, matrix, found);
                CollectionAssert.AreEqual(expected.Span<byte>().ToArray(), found.Span<byte>().ToArray(), set.Name);
                using PackedWeights bytes = set.PackConvolutionByte(geometry, codes);
                using PackedWeights again = set.PackConvolutionByte(geometry, new sbyte[codes.Length]);
                set.RepackConvolutionByte(geometry, codes, again);
                CollectionAssert.AreEqual(bytes.Span<byte>().ToArray(), again.Span<byte>().ToArray(), set.Name);
            }
        }
    }

    [TestMethod]
    public void Attention_runs_in_steps_of_its_own()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 9, 20)));
        ValueId k = builder.Add(new Transpose { Name = "k", Inputs = [x], Permutation = [0, 2, 1] });
        builder.AddOutput(builder.Add(new Softmax { Name = "softmax", Inputs = [builder.Add(new MatMul { Name = "scores", Inputs = [x, k] })], Axis = -1 }));
        Graph graph = builder.Build();
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        Assert.IsTrue(program.Steps.All(s => s.Facts.Reason.Length == 0 || !s.Facts.Reason.StartsWith("no packed step", System.StringComparison.Ordinal)), "a node runs through its general operator");
    }

    private static AffineQuantization Codes(bool signed, int lowest, int highest, int zero)
    {
        var code = new CodeType(new BitWidth(8), signed);
        return AffineQuantization.PerTensor(code, new IntegerRange(lowest, highest), new AffineParameters(1f / 64, zero));
    }

    private static Tensor Filled(Shape shape, int code) => Tensor.Create(shape, Enumerable.Repeat(code / 64f, shape.Count).ToArray());
}
