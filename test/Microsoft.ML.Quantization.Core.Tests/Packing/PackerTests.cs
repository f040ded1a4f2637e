using System;
using System.Linq;
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

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

[TestClass]
public sealed class PackerTests
{
    [TestMethod]
    public void Layers_and_their_requantizers_become_one_step_and_no_data_are_transposed_between_them()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        string operations = string.Join(", ", program.Steps.Select(s => s.Operation));
        Assert.AreEqual("InputQuantize, IntegerConvolution+MaxPool→UInt8, IntegerDense→Float32, Output", operations);
    }

    [TestMethod]
    public void Layers_that_share_a_constant_share_its_packed_copy()
    {
        AffineQuantization codes = HandmadeGraphs.Activations(8, 0.1f, 7);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(codes, Shape.Of(Shape.Free, 6)));
        ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(6, 6), 8, new CounterRandom(1));
        for (int i = 0; i < 3; i++)
        {
            ValueId accumulator = builder.Add(new IntegerDense { Inputs = [x, w] });
            x = builder.Add(new Requantize { Inputs = [accumulator], Multipliers = [0.01f], Offsets = [0], Minimum = 0, Maximum = 255, Result = codes });
        }

        builder.AddOutput(x);
        Graph graph = builder.Build();
        var chooser = KernelChooser.Only(KernelRegistry.Active);
        var state = new PackingState(graph, ModelSignature.Of(graph), chooser, new PlaneChoice(graph, PlanePolicy.Automatic, chooser));
        foreach (Node node in graph.Nodes.Where(n => n is IntegerDense))
        {
            Assert.IsTrue(IntegerPacking.Dense(state, node));
        }

        using PackedProgram program = state.Build(WorkerPool.Single);
        Assert.AreEqual(1, state.Weights.All.Length);
    }

    [TestMethod]
    public void A_layer_whose_accumulator_may_overflow_is_refused_by_name()
    {
        AffineQuantization codes = HandmadeGraphs.Activations(8, 0.1f, 0);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Codes(codes, Shape.Of(Shape.Free, 3)));
        ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(2, 3), 8, new CounterRandom(1));
        ValueId b = builder.AddConstant("b", Tensor.Create(Shape.Of(2), [0, int.MaxValue - 5]));
        builder.AddOutput(builder.Add(new IntegerDense { Name = "deep", Inputs = [x, w, b] }));
        Graph graph = builder.Build();
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active));
        Assert.AreEqual(QuantizationErrorCode.AccumulatorNotProved, error.Code);
        StringAssert.Contains(error.Message, "'deep', channel 1", StringComparison.Ordinal);
    }

    [TestMethod]
    public void A_signature_that_does_not_fit_is_refused()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        ModelSignature plain = ModelSignature.Of(graph);
        ModelSignature wrong = plain with { Inputs = [plain.Inputs[0] with { Scale = [1f, 2f, 3f] }] };
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Assert.ThrowsException<QuantizationException>(() => Packer.Pack(graph, wrong, KernelRegistry.Active)).Code);
    }
}
