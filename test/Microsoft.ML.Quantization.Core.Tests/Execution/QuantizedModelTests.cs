using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

[TestClass]
[TestCategory("Portable")]
public sealed class QuantizedModelTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Run_with_spans_allocates_nothing_after_the_first_runs(int threads)
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        float[] input = GraphCases.Inputs(graph, 3)[0].Values<float>().ToArray();
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using QuantizedModel model = QuantizedModel.FromDocument(HandmadeGraphs.Document(graph), new QuantizedModelOptions { ThreadCount = threads, KernelSet = set.Name });
            var output = new float[9];
            Assert.AreEqual(0, Allocated(() => model.Run(input, output, 3)), set.Name);
        }
    }

    [TestMethod]
    [DataRow("residual", false)]
    [DataRow("concat", false)]
    [DataRow("pools", false)]
    [DataRow("residual", true)]
    [DataRow("concat", true)]
    [DataRow("pools", true)]
    [DataRow("depthwise-se", true)]
    public void Runs_shared_out_to_threads_allocate_nothing_either(string name, bool lowered)
    {
        Graph graph = GraphCases.Create(name);
        graph = lowered ? Harness.Lower(graph, QuantizationScheme.EightBits, GraphCases.Inputs(graph, 8)).Graph : graph;
        float[] input = GraphCases.Inputs(graph, 4)[0].Values<float>().ToArray();
        var output = new float[4 * graph[graph.Outputs[0]].Type.Shape[1]];
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), set, 2);
            Assert.AreEqual(0, Allocated(() => engine.Run<float, float>(input, output, 4)), set.Name);
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Runs_over_few_bits_and_codebooks_allocate_nothing_whichever_way_they_go(bool narrow)
    {
        PlanePolicy policy = narrow ? PlanePolicy.Always : PlanePolicy.Never;
        foreach (Graph graph in new[] { HandmadeGraphs.IntegerNet(3), HandmadeGraphs.IntegerNet(2, 2), HandmadeGraphs.LowBitNet(), HandmadeGraphs.CodebookNet() })
        {
            float[] input = GraphCases.Inputs(graph, 3)[0].Values<float>().ToArray();
            var output = new float[3 * graph[graph.Outputs[0]].Type.Shape[1]];
            foreach (KernelSet set in KernelRegistry.Available)
            {
                using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), set, 1, policy: policy);
                Assert.AreEqual(0, Allocated(() => engine.Run<float, float>(input, output, 3)), $"{set.Name}, planes {policy}");
            }
        }
    }

    /// <summary>The least of a few rounds: a thread that parks for the first time makes its waiting object then, whenever that is.</summary>
    private static long Allocated(Action run)
    {
        long least = long.MaxValue;
        for (int round = 0; round < 5 && least > 0; round++)
        {
            run();
            run();
            run();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
            {
                run();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    [TestMethod]
    [DataRow("residual")]
    [DataRow("integer")]
    public void Eight_callers_at_once_get_the_bytes_of_one(string name)
    {
        Graph graph = name == "integer" ? HandmadeGraphs.IntegerNet() : GraphCases.Create(name);
        using QuantizedModel model = Create(graph, 2);
        Tensor[][] inputs = [.. Enumerable.Range(1, 12).Select(batch => GraphCases.Inputs(graph, batch, (ulong)batch))];
        string[] expected = [.. inputs.Select(i => ReferenceRuns.Hash(model.Run(i)))];
        int wrong = 0;
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            for (int i = 0; i < 24; i++)
            {
                int batch = ((t * 5) + i) % inputs.Length;
                wrong += ReferenceRuns.Hash(model.Run(inputs[batch])) == expected[batch] ? 0 : 1;
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.AreEqual(0, wrong);
    }

    [TestMethod]
    public void Dispose_waits_for_callers_and_later_calls_are_refused()
    {
        Graph graph = GraphCases.Create("residual");
        QuantizedModel model = Create(graph, 2);
        Tensor[] inputs = GraphCases.Inputs(graph, 4);
        string expected = ReferenceRuns.Hash(model.Run(inputs));
        using var started = new CountdownEvent(4);
        Task[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => RunUntilDisposed(model, inputs, expected, started), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        started.Wait();
        model.Dispose();
        Task.WaitAll(callers);
        Assert.ThrowsException<ObjectDisposedException>(() => model.Run(inputs));
        Assert.ThrowsException<ObjectDisposedException>(() => model.Explain());
        model.Dispose();
    }

    [TestMethod]
    public void Wrong_lengths_and_types_are_refused_with_what_was_expected()
    {
        using QuantizedModel model = Create(HandmadeGraphs.IntegerNet(), 1);
        var output = new float[3];
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Assert.ThrowsException<QuantizationException>(() => model.Run(new float[49], output)).Code);
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Assert.ThrowsException<QuantizationException>(() => model.Run(new float[50], new float[4])).Code);
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Assert.ThrowsException<QuantizationException>(() => model.Run(new byte[50], output)).Code);
        model.Run(ReadOnlySpan<float>.Empty, Span<float>.Empty, 0);
    }

    [TestMethod]
    public void Activations_beyond_the_limit_are_refused_before_anything_is_allocated()
    {
        using QuantizedModel model = QuantizedModel.FromDocument(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()), new QuantizedModelOptions { MaximumArenaBytes = 100_000 });
        model.Run(new float[50], new float[3]);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => model.Run(new float[50 * 10_000], new float[3 * 10_000], 10_000));
        Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, error.Code);
    }

    [TestMethod]
    public void Options_name_a_kernel_set_or_are_refused()
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet());
        using QuantizedModel model = QuantizedModel.FromDocument(document, new QuantizedModelOptions { KernelSet = "managed", ThreadCount = 1000 });
        Assert.AreEqual("managed", model.KernelSetName);
        Assert.IsTrue(model.ThreadCount <= Environment.ProcessorCount);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => QuantizedModel.FromDocument(document, new QuantizedModelOptions { KernelSet = "abacus" }));
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, error.Code);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(1000)]
    [DataRow(int.MaxValue)]
    public void Thread_counts_are_clamped_to_the_processors(int threads)
    {
        using QuantizedModel model = Create(HandmadeGraphs.IntegerNet(), threads);
        Assert.AreEqual(threads == 0 ? Environment.ProcessorCount : Math.Min(threads, Environment.ProcessorCount), model.ThreadCount);
        model.Run(new float[50], new float[3]);
    }

    [TestMethod]
    [DataRow(-1, 1L)]
    [DataRow(int.MinValue, 1L)]
    [DataRow(1, 0L)]
    [DataRow(1, -1L)]
    public void Impossible_options_are_refused(int threads, long arena)
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet());
        var options = new QuantizedModelOptions { ThreadCount = threads, MaximumArenaBytes = arena };
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizedModel.FromDocument(document, options)).Code);
    }

    [TestMethod]
    public void A_disposed_model_gives_its_file_back()
    {
        if (!Directory.Exists("/proc/self/fd"))
        {
            Assert.Inconclusive("the system does not list open files");
        }

        string path = Path.Combine(Directory.CreateTempSubdirectory("mlq").FullName, "net.mlq");
        File.WriteAllBytes(path, ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet())));
        int most = 0;
        for (int i = 0; i < 200; i++)
        {
            QuantizedModel.Load(path).Dispose();
            most = Math.Max(most, Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget == path));
        }

        int maps = File.ReadLines("/proc/self/maps").Count(l => l.Contains(path, StringComparison.Ordinal));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        Assert.IsTrue(most == 0 && maps == 0, $"{most} open files, {maps} mappings left of 200");
    }

    [TestMethod]
    public void Explain_names_each_layer_with_its_proof()
    {
        using QuantizedModel model = Create(HandmadeGraphs.IntegerNet(4, 8), 1);
        ModelReport report = model.Explain();
        StepReport layer = report.Steps.Single(s => s.Layer == "conv");
        Assert.AreEqual("W4A8", layer.Bits);
        Assert.AreEqual(int.MaxValue, layer.AccumulatorLimit);
        Assert.IsTrue(layer.AccumulatorBound is > 1000 and < int.MaxValue && layer.WeightBytes >= 72 && layer.ArenaBytes is > 0 and < 100);
        StringAssert.Contains(report.ToString(), "IntegerConvolution+MaxPool→UInt8", StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(3, 2)]
    public void Measured_reports_have_a_time_for_every_step_and_the_sum_beside_the_whole(int batch, int threads)
    {
        using QuantizedModel model = Create(HandmadeGraphs.IntegerNet(4, 8), threads);
        Tensor[] inputs = ReferenceRuns.Inputs(model.Signature, batch, 1);
        ModelReport report = model.Measure(inputs, runs: 3);
        Assert.IsTrue(report.Steps.All(s => s.Milliseconds >= 0), "a step without a time");
        Assert.IsNotNull(report.Timing);
        Assert.AreEqual((batch, 3), (report.Timing.Batch, report.Timing.Runs));
        Assert.AreEqual(report.Steps.Sum(s => s.Milliseconds!.Value), report.Timing.Steps, 1e-12);
        Assert.IsTrue(report.Timing.Whole > 0);
        CollectionAssert.AreEqual(model.Explain().Steps, report.Steps.Select(s => s with { Milliseconds = null }).ToArray(), "measuring changes nothing else");
        StringAssert.Contains(report.ToString(), "sum of steps", StringComparison.Ordinal);
        Assert.IsNotNull(model.Explain(measure: true).Timing);
        Assert.IsNull(model.Explain().Timing);
    }

    private static QuantizedModel Create(Graph graph, int threads) => QuantizedModel.FromDocument(HandmadeGraphs.Document(graph), new QuantizedModelOptions { ThreadCount = threads });

    private static void RunUntilDisposed(QuantizedModel model, Tensor[] inputs, string expected, CountdownEvent started)
    {
        bool first = true;
        while (true)
        {
            try
            {
                Assert.AreEqual(expected, ReferenceRuns.Hash(model.Run(inputs)));
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            finally
            {
                if (first)
                {
                    started.Signal();
                    first = false;
                }
            }
        }
    }
}
