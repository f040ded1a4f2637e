using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Dense layers with weights in groups inside graphs.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineGroupedTests
{
    [TestMethod]
    [DataRow(2, 32, false)]
    [DataRow(3, 64, false)]
    [DataRow(4, 32, false)]
    [DataRow(8, 128, false)]
    [DataRow(2, 64, true)]
    [DataRow(4, 32, true)]
    [DataRow(8, 128, true)]
    public void Layers_with_weights_in_groups_equal_the_interpreter(int bits, int size, bool floats)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3, 97)));
        ValueId bias = builder.AddConstant("bias", RandomTensors.Floats(Shape.Of(70), 5));
        ValueId first = builder.Add(new GroupedDense { Name = "first", FloatInputs = floats, Inputs = [x, Weights(builder, "w1", 70, 97, bits, size), bias], Activation = Activation.Relu });
        ValueId second = builder.Add(new GroupedDense { Name = "second", FloatInputs = floats, Inputs = [first, Weights(builder, "w2", 5, 70, bits, size)] });
        ValueId flat = builder.Add(new Reshape { Name = "flat", Inputs = [second], Target = [0, -1] });
        builder.AddOutput(builder.Add(new GroupedDense { Name = "third", FloatInputs = floats, Inputs = [flat, Weights(builder, "w3", 33, 15, bits, size)] }));
        builder.AddOutput(first);
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Floats(Shape.Of(batch, 3, 97), 2)]);
    }

    [TestMethod]
    public void A_layer_of_one_row_without_a_batch_equals_the_interpreter()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(7)));
        builder.AddOutput(builder.Add(new GroupedDense { Name = "row", Inputs = [x, Weights(builder, "w", 3, 7, 4, 4)] }));
        EngineAssert.EqualsInterpreter(builder.Build(), _ => [RandomTensors.Floats(Shape.Of(7), 2)]);
    }

    [TestMethod]
    public void Weights_with_zero_points_or_without_groups_are_refused()
    {
        AffineQuantization good = Quantizer(3, 8, 4, 4);
        AffineQuantization[] wrong =
        [
            good with { ZeroPoints = [.. good.ZeroPoints.Select(_ => 1)] },
            good with { Axis = 0 },
            AffineQuantization.PerTensor(good.Code, good.Range, good[0]),
        ];
        foreach (AffineQuantization quantizer in wrong)
        {
            var builder = new GraphBuilder();
            ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(2, 8)));
            ValueId w = builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(3, 8), 1), quantizer);
            Assert.ThrowsException<QuantizationException>(() => builder.Add(new GroupedDense { Name = "layer", Inputs = [x, w] }));
        }
    }

    private static ValueId Weights(GraphBuilder builder, string name, int outputs, int inputs, int bits, int size)
    {
        AffineQuantization quantizer = Quantizer(outputs, inputs, bits, size);
        return builder.AddConstant(name, RandomTensors.Codes(quantizer, Shape.Of(outputs, inputs), (ulong)(outputs + bits)), quantizer);
    }

    private static AffineQuantization Quantizer(int outputs, int inputs, int bits, int size)
    {
        var code = new CodeType(new BitWidth(bits), true);
        int groups = outputs * ((inputs + size - 1) / size);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(1, 0)) with
        {
            Granularity = Granularity.PerGroup,
            Axis = 1,
            GroupSize = size,
            Scales = [.. Enumerable.Range(1, groups).Select(i => 0.01f + (0.001f * (i % 17)))],
            ZeroPoints = [.. Enumerable.Repeat(0, groups)],
        };
    }
}
