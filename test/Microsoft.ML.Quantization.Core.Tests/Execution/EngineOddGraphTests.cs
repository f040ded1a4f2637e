using System;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Graphs at the edges of what the packer fuses, aliases and converts.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineOddGraphTests
{
    [TestMethod]
    public void Inputs_constants_and_reshapes_may_be_outputs()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 2, 3, 4)));
        ValueId indices = builder.AddInput("indices", new ValueType(ElementType.Int64, Shape.Of(Shape.Free)));
        ValueId table = builder.AddConstant("table", RandomTensors.Floats(Shape.Of(9, 5), 1));
        builder.AddOutput(x);
        builder.AddOutput(table);
        builder.AddOutput(builder.Add(new Reshape { Inputs = [x], Target = [0, -1] }));
        builder.AddOutput(builder.Add(new Gather { Inputs = [table, indices], Axis = 0 }));
        builder.AddOutput(builder.Add(new Unary { Operator = UnaryOperator.Negate, Inputs = [table] }));
        builder.AddOutput(x);
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Floats(Shape.Of(batch, 2, 3, 4), 2), RandomTensors.Indices(Shape.Of(batch), 3, -9, 8)]);
    }

    [TestMethod]
    public void Layouts_meet_where_channels_last_and_row_major_nodes_share_values()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 3, 6, 5));
        ValueId a = net.Convolution(4, 3, 1, 1, Activation.Relu);
        ValueId transposed = net.Add(new Transpose { Inputs = [a], Permutation = [0, 1, 3, 2] });
        ValueId back = net.Add(new Transpose { Inputs = [transposed], Permutation = [0, 1, 3, 2] });
        ValueId sum = net.Add(back, a, Activation.Relu);
        net.Add(new Slice { Inputs = [sum], Axes = [2], Starts = [1], Ends = [6], Steps = [2] });
        net.Convolution(3, 2, 1, 0, Activation.None);
        ValueId flat = net.Flatten();
        ValueId left = net.Dense(6, Activation.None);
        net.Current = flat;
        net.Add(left, net.Dense(6, Activation.Relu), Activation.None);
        net.Unary(UnaryOperator.Sigmoid);
        Graph graph = net.Build();
        EngineAssert.EqualsInterpreter(graph, batch => GraphCases.Inputs(graph, batch));
    }

    [TestMethod]
    public void Joins_along_every_axis_equal_the_interpreter()
    {
        foreach (int axis in new[] { 1, 2, 3 })
        {
            var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 3, 4, 5));
            ValueId x = net.Current;
            ValueId a = net.Convolution(3, 1, 1, 0, Activation.None);
            net.Current = x;
            net.Join(axis, a, x, net.MaxPool(3, 1, 1));
            net.Convolution(2, 2, 1, 0, Activation.None);
            Graph graph = net.Build();
            EngineAssert.EqualsInterpreter(graph, batch => GraphCases.Inputs(graph, batch));
        }
    }

    [TestMethod]
    public void An_accumulator_read_twice_and_streams_of_16_bits_equal_the_interpreter()
    {
        AffineQuantization codes = HandmadeGraphs.Activations(8, 0.05f, 3);
        var wide = new CodeType(new BitWidth(16), true);
        AffineQuantization stream = AffineQuantization.PerTensor(wide, wide.Range, new AffineParameters(0.001f, 0));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(codes, Shape.Of(Shape.Free, 5, 4, 4)));
        ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(5, 5, 3, 3), 6, new CounterRandom(5));
        ValueId accumulator = builder.Add(new IntegerConvolution { Inputs = [x, w], Window = HandmadeGraphs.Square(3, 1, 1) });
        ValueId a = builder.Add(new Requantize { Inputs = [accumulator], Multipliers = [.. Enumerable.Range(1, 5).Select(i => i * 0.1f)], Offsets = [0, 1, 2, 3, 4], Minimum = -32768, Maximum = 32767, Result = stream });
        ValueId b = builder.Add(new Requantize { Inputs = [accumulator], Multipliers = [0.004f], Offsets = [0], Minimum = 3, Maximum = 255, Result = codes });
        ValueId sum = builder.Add(new IntegerAdd { Inputs = [a, b], LeftMultiplier = 0.9f, RightMultiplier = 40, Minimum = -32768, Maximum = 32767, Result = stream });
        ValueId y = builder.Add(new Requantize { Inputs = [sum], Multipliers = [0.01f], Offsets = [0.25f], Minimum = 0, Maximum = 255, Result = codes });
        ValueId w2 = HandmadeGraphs.Weights(builder, "w2", Shape.Of(5, 1, 2, 2), 4, new CounterRandom(6));
        ValueId deep = builder.Add(new IntegerConvolution { Inputs = [y, w2], Window = HandmadeGraphs.Square(2, 1, 0), Groups = 5 });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [deep], Multipliers = [0.1f], Offsets = [1] }));
        builder.AddOutput(accumulator);
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Codes(codes, Shape.Of(batch, 5, 4, 4), 8)]);
    }

    [TestMethod]
    public void Signed_codes_run_as_unsigned_ones_and_come_out_signed()
    {
        var code = new CodeType(new BitWidth(8), true);
        AffineQuantization codes = AffineQuantization.PerTensor(code, code.Range, new AffineParameters(0.05f, -4));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 2, 5, 5)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = codes });
        ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(2, 2, 3, 3), 8, new CounterRandom(5));
        ValueId accumulator = builder.Add(new IntegerConvolution { Inputs = [q, w], Window = HandmadeGraphs.Square(3, 1, 1) });
        ValueId y = builder.Add(new Requantize { Inputs = [accumulator], Multipliers = [0.004f], Offsets = [0], Minimum = -4, Maximum = 127, Result = codes });
        builder.AddOutput(builder.Add(new IntegerAdd { Inputs = [y, q], LeftMultiplier = 0.9f, RightMultiplier = 0.4f, Minimum = -128, Maximum = 127, Result = codes }));
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.OddFloats(Shape.Of(batch, 2, 5, 5), 8)]);
    }

    [TestMethod]
    public void Weight_only_codes_are_decoded_once_when_packed()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 12)));
        ValueId w = builder.Add(new Dequantize { Inputs = [HandmadeGraphs.Weights(builder, "w", Shape.Of(7, 12), 4, new CounterRandom(2))] });
        builder.AddOutput(builder.Add(new Dense { Inputs = [x, w] }));
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Floats(Shape.Of(batch, 12), 4)]);
    }

    [TestMethod]
    public void A_fixed_batch_runs_as_often_as_the_rows_ask()
    {
        Graph free = HandmadeGraphs.IntegerNet();
        Graph graph = free.Bind(2);
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
        using var interpreter = new Evaluator(free, OperatorTable.Reference);
        Tensor[] rows = GraphCases.Inputs(free, 6);
        var found = new float[18];
        engine.Run(rows[0].Values<float>(), found.AsSpan(), 6);
        EngineAssert.AreEqual(interpreter.Run(rows), [Tensor.Create(Shape.Of(6, 3), found)], "six rows of a batch of two");
        EngineAssert.AreEqual(interpreter.Run(rows), engine.Run(rows), "as tensors");
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => engine.Run(rows[0].Values<float>()[..150], found.AsSpan(0, 9), 3));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
    }
}
