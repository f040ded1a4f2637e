using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Layers that share weights by hashing.</summary>
[TestClass]
public sealed class HashedNetworkTests
{
    [TestMethod]
    public void Known_tables_give_known_outputs_and_gradients()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId w = builder.AddConstant("w", Tensor.Create<float>(Shape.Of(2), [0.5f, -0.2f]), isTrainable: true);
        Tensor buckets = Tensor.Create<long>(Shape.Of(2, 3), [1, 0, 1, 0, 1, 0]);
        Tensor signs = Tensor.Create<float>(Shape.Of(2, 3), [1, -1, -1, -1, -1, 1]);
        builder.AddOutput(builder.Add(new Dense { Name = "y", Inputs = [x, HashedNetworks.Expand(builder, "layer", w, buckets, signs)] }));
        Graph graph = builder.Build();
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([Tensor.Create<float>(Shape.Of(1, 3), [1, 2, -1])], new Dictionary<string, Tensor>(), training: true);
        Use.Near([-0.2f, -0.5f, 0.2f, -0.5f, 0.2f, 0.5f], pass["layer.virtual"].Values<float>().ToArray());
        Use.Near([-1.4f, -0.6f], pass["y"].Values<float>().ToArray());
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, Tensor.Create<float>(Shape.Of(1, 2), [0.5f, -1]));
        Use.Near([1, 3], gradients["w"].Values<float>().ToArray());
    }

    [TestMethod]
    public void Buckets_are_loaded_evenly_and_signs_are_fair()
    {
        (Tensor buckets, Tensor signs) = HashedNetworks.Tables(64, 250, 100, 7, 2);
        double square = buckets.Values<long>().ToArray().GroupBy(b => b).Sum(g => Math.Pow(g.Count() - 160, 2) / 160);

        // χ² with 99 degrees of freedom: 99.99 % lie below 160.
        Assert.IsTrue(square is > 50 and < 160, $"{square}");
        Assert.AreEqual(0, signs.Values<float>().ToArray().Average(), 0.03);
        double together = buckets.Values<long>().ToArray().Zip(signs.Values<float>().ToArray(), (b, s) => (b - 49.5) * s).Average();
        Assert.AreEqual(0, together, 1);
    }

    [TestMethod]
    public void A_hashed_network_learns_with_an_eighth_of_the_weights()
    {
        Graph graph = HashedNetworks.Mlp(Shape.Of(16), [32], 4, 0.125);
        Assert.AreEqual(64, graph.Values.Single(v => v.Name == "dense1.weight").Constant!.Shape.Count);
        float[] x = RandomTensors.Floats(Shape.Of(64, 16), 3).Values<float>().ToArray();
        float[] labels = [.. Enumerable.Range(0, 64).Select(r => (x[r * 16] > 0 ? 2f : 0) + (x[(r * 16) + 1] > 0 ? 1 : 0))];
        var options = new TrainingOptions { Epochs = 30, BatchSize = 16, Optimizer = new Adam(), Rate = 0.02f };
        TrainingResult result = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, new MemoryBatchSource(Shape.Of(16), x, labels), options);
        Assert.IsTrue(result.History[^1].Loss < 0.5f * result.History[0].Loss, $"{result.History[0].Loss} to {result.History[^1].Loss}");
        using var evaluator = new Evaluator(result.Graph, OperatorTable.Reference);
        Assert.AreEqual(4, evaluator.Run([Tensor.Allocate(ElementType.Float32, Shape.Of(1, 16))])[0].Shape[1]);
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => HashedNetworks.Mlp(Shape.Of(16), [4], 2, 0)).Code);
    }
}
