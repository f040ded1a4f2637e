using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Prediction;

/// <summary>Expected latency from the graph and the scheme alone. How good it is, <c>Benchmarks predict</c> says; no test asserts a time.</summary>
[TestClass]
public sealed class LatencyPredictorTests
{
    private static readonly Graph _network = SmallNetworks.ResNet(8, Shape.Of(1, 12, 12), width: 8);

    [TestMethod]
    public void A_prediction_names_the_steps_that_the_quantized_network_will_have_and_adds_them_up()
    {
        LatencyPrediction prediction = LatencyPredictor.Predict(_network, QuantizationScheme.EightBits);
        Assert.AreEqual(prediction.Milliseconds, prediction.Steps.Sum(s => s.Milliseconds), 1e-12);
        Assert.IsTrue(prediction.Steps.All(s => s.Milliseconds > 0 && s.KernelSet.Length > 0));
        Assert.AreEqual(9, prediction.Steps.Count(s => s.Operation.StartsWith("IntegerConvolution", StringComparison.Ordinal)));
        Assert.AreEqual(3, prediction.Steps.Count(s => s.Operation.Contains("IntegerAdd", StringComparison.Ordinal)));
        Assert.IsTrue(prediction.MeasuredShare is >= 0 and <= 1);
    }

    [TestMethod]
    public void A_step_that_does_several_things_costs_all_of_them()
    {
        KernelOperation[] Also(Graph graph) => [.. Bound(graph).Steps.SelectMany(s => s.Also).Select(w => w.Operation)];
        CollectionAssert.Contains(Also(HandmadeGraphs.IntegerNet()), KernelOperation.MaxPoolByte);
        Assert.AreEqual(3, Also(LatencyPredictor.Lower(_network, QuantizationScheme.EightBits)).Count(o => o == KernelOperation.AddByte));
    }

    [TestMethod]
    public void More_rows_take_longer_and_less_than_their_multiple_of_single_runs_on_more_threads()
    {
        LatencyPrediction one = LatencyPredictor.Predict(_network, QuantizationScheme.EightBits);
        LatencyPrediction many = LatencyPredictor.Predict(_network, QuantizationScheme.EightBits, batch: 64);
        LatencyPrediction shared = LatencyPredictor.Predict(_network, QuantizationScheme.EightBits, batch: 64, threads: 2);
        Assert.IsTrue(many.Milliseconds > one.Milliseconds * 4 && shared.Milliseconds < many.Milliseconds);
        Assert.AreEqual((64, 2), (shared.Batch, shared.Threads));
    }

    [TestMethod]
    public void Ternary_terms_are_predicted_as_the_layers_that_they_cost()
    {
        QuantizationScheme scheme = QuantizationScheme.TernaryResidual;
        int Layers(double extra) => LatencyPredictor.Predict(_network, scheme with { TernaryTerms = new TernaryTerms { ExtraTerms = extra } }).Steps.Count(s => s.Operation.StartsWith("IntegerConvolution", StringComparison.Ordinal));
        Assert.AreEqual(9, Layers(0));
        Assert.IsTrue(Layers(2) >= 9 + 16, $"{Layers(2)} layers");
    }

    [TestMethod]
    [DataRow(8, 8)]
    [DataRow(4, 4)]
    [DataRow(2, 2)]
    public void Every_width_and_the_float_network_can_be_predicted(int weightBits, int activationBits)
    {
        var scheme = new QuantizationScheme { WeightBits = weightBits, ActivationBits = activationBits };
        Assert.IsTrue(LatencyPredictor.Predict(_network, scheme).Milliseconds > 0);
        Assert.IsTrue(LatencyPredictor.Predict(_network).Steps.Any(s => s.Operation == "Convolution"));
    }

    [TestMethod]
    public void A_network_of_fixed_batch_is_predicted_as_often_as_it_runs()
    {
        // One set: sets are otherwise chosen for the two rows here, and for one row where the batch is free, and by some processors' tables these are not the same.
        string set = KernelRegistry.Active.Name;
        Graph two = _network.Bind(2);
        LatencyPrediction once = LatencyPredictor.Predict(two, QuantizationScheme.EightBits, batch: 2, kernelSet: set);
        LatencyPrediction thrice = LatencyPredictor.Predict(two, QuantizationScheme.EightBits, batch: 6, kernelSet: set);
        Assert.AreEqual(LatencyPredictor.Predict(_network, QuantizationScheme.EightBits, batch: 2, kernelSet: set).Milliseconds, once.Milliseconds, 1e-9);
        Assert.AreEqual(3 * once.Milliseconds, thrice.Milliseconds, 1e-9);
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Assert.ThrowsException<QuantizationException>(() => LatencyPredictor.Predict(two, QuantizationScheme.EightBits, batch: 3)).Code);
    }

    [TestMethod]
    public void An_unknown_set_or_scheme_is_refused()
    {
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, Assert.ThrowsException<QuantizationException>(() => LatencyPredictor.Predict(_network, kernelSet: "none")).Code);
        Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, Assert.ThrowsException<QuantizationException>(() => LatencyPredictor.Predict(_network, new QuantizationScheme { WeightBits = 9 })).Code);
    }

    private static BoundProgram Bound(Graph graph)
    {
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        return new BoundProgram(program, 1, new ThreadSplit(1), long.MaxValue);
    }
}
