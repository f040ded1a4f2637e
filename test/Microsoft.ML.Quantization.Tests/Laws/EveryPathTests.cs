using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>
/// Same bytes everywhere: trained networks, fitted by the whole line, on every kernel set of this machine, every thread count and every split into batches,
/// against the interpreter.
/// </summary>
[TestClass]
public sealed class EveryPathTests
{
    private const int Rows = 7;
    private static readonly int[] _threads = [1, 2, 5];
    private static readonly int[] _batches = [1, 3, 7];

    public static IEnumerable<object[]> Cases => Networks.Names.SelectMany(n => Networks.Widths.Append("float").Select(w => new object[] { n, w }));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Engine_equals_interpreter_on_every_kernel_set_thread_count_and_batch(string network, string widths)
        => AssertEveryPath(widths == "float" ? Networks.Float(network) : Networks.Fitted(network, widths).Integer, $"{network} {widths}");

    [TestMethod]
    [DataRow("fmnist-lenet.bn")]
    [DataRow("fmnist-resnet8.bn")]
    [DataRow("fmnist-mlp")]
    public void Every_pair_of_widths_takes_every_path(string network)
    {
        if (Environment.GetEnvironmentVariable("MLQ_SLOW_TESTS") != "1")
        {
            Assert.Inconclusive("slow; run .ci/run --all");
        }

        Graph graph = Networks.Float(network);
        foreach ((int weightBits, int activationBits, bool signed) in AllWidths())
        {
            var scheme = new QuantizationScheme { WeightBits = weightBits, ActivationBits = activationBits, SignedActivations = signed, EdgeLayers = EdgeLayers.SameBits };
            QuantizationResult result = Networks.Fit(graph, scheme, Networks.Calibration(graph, 64, 64), KernelRegistry.Active);
            AssertEveryPath(result.Integer, $"{network} W{weightBits}A{activationBits}{(signed ? " signed" : string.Empty)}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void A_row_gives_the_same_bytes_in_any_batch_of_the_interpreter(string network, string widths)
    {
        Graph graph = widths == "float" ? Networks.Float(network) : Networks.Fitted(network, widths).Integer;
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        float[] together = interpreter.Run([Networks.Test(graph, 3)])[0].Values<float>().ToArray();
        float[] alone = interpreter.Run([Networks.Test(graph, 1, skip: 2)])[0].Values<float>().ToArray();
        Assert.IsTrue(Same(together.AsSpan(together.Length / 3 * 2), alone));
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Every_layer_runs_on_integers_at_the_widths_asked_for(string network, string widths)
    {
        if (widths == "float")
        {
            Assert.IsTrue(Networks.Float(network).Nodes.All(n => !n.Kind.StartsWith("Integer", StringComparison.Ordinal)));
            return;
        }

        string[] found = [.. Networks.Fitted(network, widths).Layers.Select(l => l.IsInteger ? $"W{l.WeightBits}A{l.ActivationBits}" : "float")];
        string[] expected = [.. found.Select((_, i) => i == 0 || i == found.Length - 1 ? "W8A8" : widths)];
        CollectionAssert.AreEqual(expected, found, string.Join(", ", found));
    }

    private static IEnumerable<(int Weights, int Activations, bool Signed)> AllWidths()
        => from weights in Enumerable.Range(2, 7)
           from activations in Enumerable.Range(2, 7)
           from signed in new[] { false, true }
           select (weights, activations, signed);

    private static void AssertEveryPath(Graph graph, string what)
    {
        Tensor images = Networks.Test(graph, Rows);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        float[] expected = interpreter.Run([images])[0].Values<float>().ToArray();
        Assert.IsTrue(expected.Distinct().Count() > Rows, "the outputs say something");
        foreach (KernelSet set in KernelRegistry.Available)
        {
            foreach (int threads in _threads)
            {
                using var engine = new Engine(Packer.Pack(graph, ModelSignature.Of(graph), set), Pools.Create(threads), long.MaxValue, smallestChunk: 1);
                foreach (int batch in _batches)
                {
                    AssertSameBytes(expected, images.Values<float>(), engine, batch, $"{what}, {set.Name}, {threads} threads, batch {batch}");
                }
            }
        }
    }

    private static void AssertSameBytes(float[] expected, ReadOnlySpan<float> images, Engine engine, int batch, string what)
    {
        int inputs = images.Length / Rows;
        int outputs = expected.Length / Rows;
        var found = new float[batch * outputs];
        engine.Run(images[..(batch * inputs)], found.AsSpan(), batch);
        Assert.IsTrue(Same(expected.AsSpan(0, found.Length), found), what);
    }

    private static bool Same(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
        => System.Runtime.InteropServices.MemoryMarshal.AsBytes(a).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b));
}
