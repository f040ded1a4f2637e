using System;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Execution;
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

/// <summary>Sizes, places and numbers at the ends of what a graph may say: right bytes, or a refusal that names the place.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineEdgeTests
{
    [TestMethod]
    public void An_output_with_the_batch_in_two_dimensions_needs_room_for_its_square()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 4)));
        builder.AddOutput(builder.Add(new MatMul { Inputs = [x, builder.Add(new Transpose { Inputs = [x], Permutation = [1, 0] })] }));
        Graph graph = builder.Build();
        EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.Floats(Shape.Of(n, 4), 3)]);
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
        var output = new float[9];
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => engine.Run<float, float>(new float[12], output.AsSpan(0, 3), 3));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
        engine.Run<float, float>([1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0], output, 3);
        CollectionAssert.AreEqual(new float[] { 1, 0, 1, 0, 1, 1, 1, 1, 2 }, output);
    }

    [TestMethod]
    public void An_input_with_the_batch_in_two_dimensions_is_refused()
    {
        var builder = new GraphBuilder();
        builder.AddOutput(builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, Shape.Free))));
        Graph graph = builder.Build();
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, error.Code);
    }

    [TestMethod]
    public void A_batch_that_no_input_has_is_refused()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(1, 4)));
        builder.AddOutput(builder.Add(new Expand { Inputs = [x], Target = [Shape.Free, 4] }));
        Assert.AreEqual(QuantizationErrorCode.InvalidGraph, Assert.ThrowsException<QuantizationException>(() => GraphVerifier.Verify(builder.Build())).Code);
    }

    [TestMethod]
    [DataRow(257)]
    [DataRow(256)]
    public void Windows_that_lie_far_apart_read_padding_and_nothing_else(int channels)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, channels, 1, 1)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = Bytes(3) });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(Weights, Shape.Of(2, channels, 1, 1), 7), Weights);
        var window = new Window { Kernel = [1, 1], Strides = [1, 1 << 23], Dilations = [1, 1], PadsBegin = [0, 1 << 23], PadsEnd = [0, 0] };
        ValueId sums = builder.Add(new IntegerConvolution { Inputs = [q, w], Window = window });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [sums], Multipliers = [1], Offsets = [0] }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [RandomTensors.Floats(Shape.Of(n, channels, 1, 1), 5)]);
    }

    [TestMethod]
    public void Strides_of_a_pool_behind_a_convolution_may_be_enormous()
    {
        var net = new GraphBuilder();
        ValueId x = net.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 4, 6, 8)));
        ValueId q = net.Add(new Quantize { Inputs = [x], Result = Bytes(3) });
        ValueId w = net.AddConstant("w", RandomTensors.Codes(Weights, Shape.Of(64, 4, 1, 1), 7), Weights);
        ValueId sums = net.Add(new IntegerConvolution { Inputs = [q, w], Window = Square(1, 1) });
        ValueId codes = net.Add(new Requantize { Inputs = [sums], Multipliers = [0.01f], Offsets = [9], Minimum = 0, Maximum = 255, Result = Bytes(0) });
        net.AddOutput(net.Add(new MaxPool { Inputs = [codes], Window = Square(2, 1 << 23) }));
        EngineAssert.EqualsInterpreter(net.Build(), n => [RandomTensors.Floats(Shape.Of(n, 4, 6, 8), 5)]);
    }

    [TestMethod]
    public void Values_without_elements_pass_through()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3, 4)));
        ValueId none = builder.Add(new Slice { Inputs = [x], Axes = [1], Starts = [2], Ends = [2], Steps = [1] });
        builder.AddOutput(builder.Add(new Transpose { Inputs = [none], Permutation = [0, 2, 1] }));
        builder.AddOutput(builder.Add(new Softmax { Inputs = [none], Axis = 2 }));
        builder.AddOutput(builder.Add(new Concat { Inputs = [none, x], Axis = 1 }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [RandomTensors.Floats(Shape.Of(n, 3, 4), 5)]);
    }

    [TestMethod]
    public void Rows_without_elements_are_counted_by_their_shape()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 0, 4)));
        builder.AddOutput(builder.Add(new Pad { Inputs = [x], Before = [0, 1, 0], After = [0, 1, 0], Value = 2 }));
        builder.AddOutput(builder.Add(new Slice { Inputs = [x], Axes = [1], Starts = [-1], Ends = [-9], Steps = [-1] }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [Tensor.Allocate(ElementType.Float32, Shape.Of(n, 0, 4))]);
    }

    [TestMethod]
    public void A_product_over_nothing_is_a_sum_of_nothing_and_then_a_code()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.Add(new Quantize { Inputs = [builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3, 0)))], Result = Bytes(3) });
        ValueId y = builder.Add(new Quantize { Inputs = [builder.AddInput("y", ValueType.Float(Shape.Of(Shape.Free, 0, 2)))], Result = Bytes(128) });
        ValueId sums = builder.Add(new IntegerMatMul { Inputs = [x, y] });
        builder.AddOutput(builder.Add(new Requantize { Inputs = [sums], Multipliers = [1], Offsets = [2], Axis = 2, Minimum = 0, Maximum = 255, Result = Bytes(40) }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [Tensor.Allocate(ElementType.Float32, Shape.Of(n, 3, 0)), Tensor.Allocate(ElementType.Float32, Shape.Of(n, 0, 2))]);
    }

    [TestMethod]
    public void A_value_may_grow_to_the_batch()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 1, 3)));
        ValueId one = builder.AddConstant("one", RandomTensors.Floats(Shape.Of(1, 2, 3), 4));
        builder.AddOutput(builder.Add(new Expand { Inputs = [x], Target = [Shape.Free, 4, 3] }));
        builder.AddOutput(builder.Add(new Expand { Inputs = [builder.Add(new Unary { Operator = UnaryOperator.Negate, Inputs = [x] })], Target = [2, 1, 1, 3] }));
        builder.AddOutput(builder.Add(new Expand { Inputs = [one], Target = [Shape.Free, 2, 3] }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [RandomTensors.Floats(Shape.Of(n, 1, 3), 5)]);
    }

    [TestMethod]
    public void Rules_refuse_axes_cut_twice_clamps_upside_down_and_images_without_pixels()
    {
        static void Refused(QuantizationErrorCode code, Func<ValueId, GraphBuilder, Node> node, params int[] image)
        {
            var builder = new GraphBuilder();
            ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of([Shape.Free, 3, .. image])));
            Assert.AreEqual(code, Assert.ThrowsException<QuantizationException>(() => builder.Add(node(x, builder))).Code);
        }

        Refused(QuantizationErrorCode.InvalidAttribute, (x, _) => new Slice { Inputs = [x], Axes = [2, -2], Starts = [1, 0], Ends = [3, 2], Steps = [1, 1] }, 4, 4);
        Refused(QuantizationErrorCode.InvalidAttribute, (x, _) => new Binary { Operator = BinaryOperator.Add, Inputs = [x, x], Activation = new Activation(1, 0) }, 4, 4);
        Refused(QuantizationErrorCode.InvalidAttribute, (x, _) => new Binary { Operator = BinaryOperator.Add, Inputs = [x, x], Activation = new Activation(0, float.NaN) }, 4, 4);
        Refused(QuantizationErrorCode.InvalidAttribute, (x, _) => new Unary { Operator = UnaryOperator.Clip, Inputs = [x], Alpha = 1, Beta = 0 }, 4, 4);
        Refused(QuantizationErrorCode.InvalidShape, (x, _) => new MaxPool { Inputs = [x], Window = Square(1, 1) with { PadsBegin = [1, 1] } }, 0, 4);
        var huge = new Window { Kernel = [1 << 22, 1 << 22], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [1 << 22, 1 << 22], PadsEnd = [0, 0] };
        Refused(QuantizationErrorCode.InvalidAttribute, (x, _) => new MaxPool { Inputs = [x], Window = huge }, 4, 4);
        Refused(QuantizationErrorCode.InvalidGraph, (x, b) => new IntegerConvolution { Inputs = [b.Add(new Quantize { Inputs = [x], Result = Bytes(0) }), OneScale(b)], Window = Square(1, 1) }, 4, 4);
    }

    [TestMethod]
    public void A_mean_that_32_bits_may_not_hold_is_summed_in_64_and_refused_where_they_do_not()
    {
        var codes = AffineQuantization.PerTensor(new CodeType(new BitWidth(16), true), new IntegerRange(-32767, 32767), new AffineParameters(0.01f, 0));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(1, 1, 300, 300)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = codes });
        builder.AddOutput(builder.Add(new IntegerAveragePool { Inputs = [q], Window = Square(1, 1), IsGlobal = true, Multiplier = 1, Result = codes }));
        Graph graph = builder.Build();
        EngineAssert.EqualsInterpreter(graph, _ => [RandomTensors.Floats(Shape.Of(1, 1, 300, 300), 5)], KernelRegistry.Active, 1);
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1);
        Tensor most = Tensor.Create(Shape.Of(1, 1, 300, 300), [.. Enumerable.Repeat(1000f, 90_000)]);
        Assert.AreEqual(QuantizationErrorCode.AccumulatorNotProved, Assert.ThrowsException<QuantizationException>(() => engine.Run([most])).Code);
    }

    [TestMethod]
    public void Codes_that_a_caller_gives_may_be_any_byte_also_behind_a_reshape_or_a_pool()
    {
        var two = AffineQuantization.PerTensor(new CodeType(new BitWidth(2), false), new IntegerRange(0, 3), new AffineParameters(0.5f, 1));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(two, Shape.Of(Shape.Free, 2, 4, 4)));
        ValueId pooled = builder.Add(new MaxPool { Inputs = [x], Window = Square(2, 2) });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(two, Shape.Of(3, 8), 7), two);
        ValueId sums = builder.Add(new IntegerDense { Inputs = [builder.Add(new Reshape { Inputs = [pooled], Target = [0, -1] }), w] });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [sums], Multipliers = [1], Offsets = [0], Axis = 1 }));
        EngineAssert.EqualsInterpreter(builder.Build(), n => [Tensor.Create(Shape.Of(n, 2, 4, 4), [.. Enumerable.Range(0, n * 32).Select(i => (byte)(i * 37))])]);
    }

    [TestMethod]
    public void A_layer_over_codes_that_a_caller_gives_is_proved_for_any_byte()
    {
        const int Depth = 70_000;
        var four = AffineQuantization.PerTensor(new CodeType(new BitWidth(4), false), new IntegerRange(0, 15), new AffineParameters(0.5f, 0));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(four, Shape.Of(Shape.Free, 7, Depth / 7)));
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(1, Depth), [.. Enumerable.Repeat((sbyte)127, Depth)]), Weights);
        builder.AddOutput(builder.Add(new IntegerDense { Inputs = [builder.Add(new Reshape { Inputs = [x], Target = [0, -1] }), w] }));
        Graph graph = builder.Build();
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active));
        Assert.AreEqual(QuantizationErrorCode.AccumulatorNotProved, error.Code);
    }

    [TestMethod]
    public void A_padding_code_outside_the_codes_in_use_is_refused()
    {
        var narrow = AffineQuantization.PerTensor(new CodeType(new BitWidth(4), false), new IntegerRange(0, 14), new AffineParameters(0.5f, 0));
        var builder = new GraphBuilder();
        ValueId x = builder.Add(new Quantize { Inputs = [builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 4)))], Result = narrow });
        builder.Add(new Pad { Inputs = [x], Before = [0, 1], After = [0, 0], Value = 14 });
        Assert.AreEqual(QuantizationErrorCode.InvalidAttribute, Assert.ThrowsException<QuantizationException>(() => builder.Add(new Pad { Inputs = [x], Before = [0, 1], After = [0, 0], Value = 15 })).Code);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Reshapes_in_a_row_take_no_stack(bool midRise)
    {
        const int Count = 1500;
        AffineQuantization codes = midRise ? AffineQuantization.PerTensor(new CodeType(new BitWidth(2), false, CodeSpace.MidRise), new IntegerRange(0, 3), new AffineParameters(0.5f, 0)) : Bytes(5);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 4)));
        ValueId value = midRise ? builder.Add(new Thresholds { Inputs = [x], Reals = [-1, 0, 1], Result = codes }) : builder.Add(new Quantize { Inputs = [x], Result = codes });
        for (int i = 0; i < Count; i++)
        {
            value = builder.Add(new Reshape { Inputs = [value], Target = [0, -1] });
        }

        ValueId w = builder.AddConstant("w", RandomTensors.Codes(Weights, Shape.Of(2, 4), 7), Weights);
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Inputs = [builder.Add(new IntegerDense { Inputs = [value, w] })], Multipliers = [1], Offsets = [0], Axis = 1 }));
        Graph graph = builder.Build();
        var thread = new Thread(() => EngineAssert.EqualsInterpreter(graph, n => [RandomTensors.Floats(Shape.Of(n, 4), 5)], KernelRegistry.Active, 1), 192 << 10);
        thread.Start();
        thread.Join();
    }

    [TestMethod]
    public void A_value_that_is_too_large_is_refused_by_name_of_the_limit_whether_it_lies_in_the_arena_or_not()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        foreach (int batch in new[] { 30_000_000, int.MaxValue })
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => new BoundProgram(program, batch, new ThreadSplit(1), long.MaxValue));
            Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, error.Code);
        }
    }

    [TestMethod]
    public void A_constant_that_grows_without_bound_is_made_by_runs_within_their_limit()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 1)));
        ValueId one = builder.AddConstant("one", Tensor.Create(Shape.Of(1), [2f]));
        ValueId wide = builder.Add(new Expand { Inputs = [one], Target = [1 << 28] });
        builder.AddOutput(builder.Add(new Binary { Operator = BinaryOperator.Multiply, Inputs = [x, builder.Add(new Slice { Inputs = [wide], Axes = [0], Starts = [0], Ends = [3], Steps = [1] })] }));
        Graph graph = builder.Build();
        long before = GC.GetTotalAllocatedBytes();
        using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), KernelRegistry.Active, 1, limit: 64 << 20);
        Assert.IsTrue(GC.GetTotalAllocatedBytes() - before < 64 << 20, "allocated when packed");
        Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, Assert.ThrowsException<QuantizationException>(() => engine.Run([Tensor.Create(Shape.Of(1, 1), [1f])])).Code);
    }

    [TestMethod]
    public void A_report_says_why_kernels_are_managed()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using QuantizedModel model = QuantizedModel.FromDocument(HandmadeGraphs.Document(graph), new QuantizedModelOptions { KernelSet = set.Name, ThreadCount = 1 });
            ModelReport report = model.Explain();
            bool isManaged = set.Name.StartsWith("managed", StringComparison.Ordinal);
            Assert.AreEqual(isManaged, report.KernelReason.StartsWith(set.Name + ": ", StringComparison.Ordinal), report.KernelReason);
            StringAssert.Contains(report.ToString(), report.KernelReason, StringComparison.Ordinal);
        }
    }

    private static AffineQuantization Weights { get; } = AffineQuantization.PerTensor(new CodeType(new BitWidth(8), true), new IntegerRange(-127, 127), new AffineParameters(0.05f, 0));

    private static AffineQuantization Bytes(int zeroPoint) => AffineQuantization.PerTensor(new CodeType(new BitWidth(8), false), new IntegerRange(0, 255), new AffineParameters(0.05f, zeroPoint));

    private static Window Square(int size, int stride) => new() { Kernel = [size, size], Strides = [stride, stride], Dilations = [1, 1], PadsBegin = [0, 0], PadsEnd = [0, 0] };

    /// <summary>Weights of two outputs that are said to have a scale each, and have one.</summary>
    private static ValueId OneScale(GraphBuilder builder)
        => builder.AddConstant("w", RandomTensors.Codes(Weights, Shape.Of(2, 3, 1, 1), 7), Weights with { Granularity = Granularity.PerAxis, Axis = 0 });
}
