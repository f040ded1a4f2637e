using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Which set does a step is data: a table of times, or a count of instructions where nobody has measured. It never changes a bit.</summary>
[TestClass]
public sealed class KernelChoiceTests
{
    private static readonly KernelWork _work = KernelWork.Of(KernelOperation.ConvolutionByte, 8, ConvolutionGeometry.Dense(64, 512, 512));

    [TestMethod]
    public void The_table_gives_back_its_measurements_and_times_between_for_shapes_between()
    {
        ConvolutionGeometry small = ConvolutionGeometry.Dense(64, 128, 128);
        ConvolutionGeometry large = ConvolutionGeometry.Dense(64, 512, 512);
        KernelWork Of(ConvolutionGeometry g) => KernelWork.Of(KernelOperation.ConvolutionByte, 8, g);
        var table = new ThroughputTable("here", [new("one", Of(small), Of(small).Units * 1.0), new("one", Of(large), Of(large).Units * 0.5)]);
        Assert.AreEqual(1.0, table.Nanoseconds("one", Of(small)) / Of(small).Units, 0.01);
        Assert.AreEqual(0.5, table.Nanoseconds("one", Of(large)) / Of(large).Units, 0.01);
        double between = table.Nanoseconds("one", Of(ConvolutionGeometry.Dense(64, 256, 256))) / Of(ConvolutionGeometry.Dense(64, 256, 256)).Units;
        Assert.IsTrue(between is > 0.55 and < 0.95, $"found {between}");
    }

    [TestMethod]
    public void The_fastest_measured_set_is_chosen_unless_it_saves_too_little()
    {
        IReadOnlyList<KernelSet> sets = [new Named("a"), new Named("b"), new Named("c")];
        ThroughputTable Table(double a, double b, double c) => new("here", [new("a", _work, a), new("b", _work, b), new("c", _work, c)]);
        Choice choice = KernelChooser.By(sets, Table(100_000, 50_000, 60_000)).Choose(_work);
        Assert.AreEqual("b", choice.Set.Name);
        StringAssert.StartsWith(choice.Why, "measured", StringComparison.Ordinal);
        Assert.AreEqual("a", KernelChooser.By(sets, Table(100_000, 97_000, 98_000)).Choose(_work).Set.Name, "noise");
        Assert.AreEqual("a", KernelChooser.By(sets, Table(1500, 600, 700)).Choose(_work).Set.Name, "too short to matter");
    }

    [TestMethod]
    public void A_processor_that_nobody_measured_is_modelled_and_says_so()
    {
        var empty = new ThroughputTable("unknown", []);
        IReadOnlyList<KernelSet> sets = [new Named("avx512vnni"), new Named("avx512"), new Named("avx2"), new Named("managed")];
        Choice choice = KernelChooser.By(sets, empty).Choose(_work);
        Assert.AreEqual("avx512vnni", choice.Set.Name);
        StringAssert.StartsWith(choice.Why, "modelled", StringComparison.Ordinal);
        foreach (KernelOperation operation in Enum.GetValues<KernelOperation>())
        {
            Assert.IsTrue(empty.Nanoseconds("neon", _work with { Operation = operation }) > 0, $"{operation}");
        }
    }

    [TestMethod]
    public void A_set_that_was_measured_is_not_compared_with_a_model()
    {
        var table = new ThroughputTable("here", [new("a", _work, 1e9)]);
        Assert.AreEqual("a", KernelChooser.By([new Named("a"), new Named("avx512vnni")], table).Choose(_work).Set.Name);
    }

    [TestMethod]
    public void A_forced_set_does_every_step_whatever_it_costs()
    {
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using QuantizedModel model = QuantizedModel.FromDocument(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()), new QuantizedModelOptions { KernelSet = set.Name });
            Assert.IsTrue(model.Explain().Steps.All(s => s.KernelSet == set.Name && s.Choice == "forced"), set.Name);
        }
    }

    [TestMethod]
    public void Steps_on_different_sets_give_the_bytes_of_one_set()
    {
        Graph graph = HandmadeGraphs.IntegerNet();
        ModelSignature signature = ModelSignature.Of(graph);
        Tensor[] inputs = ReferenceRuns.Inputs(signature, 5, 3);
        using var plain = new Engine(Packer.Pack(graph, signature, KernelRegistry.Available[^1]), Pools.Create(1), long.MaxValue);
        string expected = ReferenceRuns.Hash(plain.Run(inputs));
        for (int shift = 0; shift < KernelRegistry.Available.Count; shift++)
        {
            PackedProgram mixed = Packer.Pack(graph, signature, KernelChooser.By(KernelRegistry.Available, Alternating(graph, signature, shift)));
            Assert.IsTrue(KernelRegistry.Available.Count == 1 || mixed.Steps.Select(s => s.Kernels!.Name).Distinct().Count() > 1, "every step on the same set");
            using var engine = new Engine(mixed, Pools.Create(1), long.MaxValue);
            Assert.AreEqual(expected, ReferenceRuns.Hash(engine.Run(inputs)), $"shift {shift}");
        }
    }

    [TestMethod]
    public void Weights_that_were_measured_beyond_the_second_cache_do_not_pay_for_it_twice()
    {
        var table = new ThroughputTable("here", []) { ColdNanosecondsPerByte = 1, MemoryNanosecondsPerByte = 10 };
        Assert.AreEqual(0, table.WeightNanoseconds(1000, 1 << 20, false));
        Assert.AreEqual(1000, table.WeightNanoseconds(1000, 1 << 21, false));
        Assert.AreEqual(0, table.WeightNanoseconds(1 << 21, 1 << 21, false));
        Assert.AreEqual(11_000, table.WeightNanoseconds(1000, 1 << 25, false));
        Assert.AreEqual(13_500, table.WeightNanoseconds(1000, 1 << 25, true));
        var own = new ThroughputTable("here", []) { ColdNanosecondsPerByte = 1, MemoryNanosecondsPerByte = 10, NarrowMemoryNanosecondsPerByte = 20 };
        Assert.AreEqual(21_000, own.WeightNanoseconds(1000, 1 << 25, true));
    }

    [TestMethod]
    public void Threads_share_the_memory_that_large_models_are_read_from()
    {
        var table = new ThroughputTable("here", []) { StreamNanosecondsPerByte = 2, MemoryThreads = 1.5 };
        Assert.AreEqual(0, table.StreamNanoseconds(600, 1 << 20, 1), "caches hold it");
        Assert.AreEqual(1200, table.StreamNanoseconds(600, 1 << 26, 1));
        Assert.AreEqual(800, table.StreamNanoseconds(600, 1 << 26, 2));
        Assert.AreEqual(800, table.StreamNanoseconds(600, 1 << 26, 8));
    }

    [TestMethod]
    public void Forms_of_planes_have_times_of_their_own()
    {
        ConvolutionGeometry g = ConvolutionGeometry.Dense(8, 64, 64);
        int Pairs(PlaneKind kind, int source, int bits) => KernelWork.Of(new PlaneGeometry(g, PlaneKind.Unsigned, source, kind, bits)).PlanePairs;
        Assert.AreEqual("1 2 4 4 2", $"{Pairs(PlaneKind.MidRise, 1, 1)} {Pairs(PlaneKind.Unsigned, 1, 2)} {Pairs(PlaneKind.Signed, 2, 2)} {Pairs(PlaneKind.MidRise, 2, 2)} {Pairs(PlaneKind.Ternary, 2, 2)}");
        int[] bits = [.. new[] { PlaneKind.MidRise, PlaneKind.Signed, PlaneKind.Ternary }.Select(k => KernelWork.Of(new PlaneGeometry(g, PlaneKind.Unsigned, 2, k, 2)).Bits)];
        Assert.AreEqual(3, bits.Distinct().Count());
    }

    [TestMethod]
    public void Tables_that_cannot_be_read_are_refused_with_their_place()
    {
        foreach (string text in new[] { "", "[]", "{}", """{"processor":"x","forkNanoseconds":1,"stepNanoseconds":1,"coldNanosecondsPerByte":0,"rows":[["a","ConvolutionByte",8,1,1,1,1,1,1,1,0]]}""" })
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => ThroughputTable.Read("table.json", new MemoryStream(Encoding.UTF8.GetBytes(text))));
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
            StringAssert.Contains(error.Message, "table.json", StringComparison.Ordinal);
        }
    }

    [TestMethod]
    public void A_table_that_is_not_there_is_named()
        => Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => ThroughputTable.ReadFile(Path.Combine(AppContext.BaseDirectory, "no such table.json"))).Code);

    [TestMethod]
    public void Every_table_in_the_library_can_be_read()
    {
        string[] names = [.. typeof(ThroughputTable).Assembly.GetManifestResourceNames().Where(n => n.StartsWith("throughput/", StringComparison.Ordinal))];
        Assert.IsTrue(names.Length > 0);
        foreach (string name in names)
        {
            using Stream stream = typeof(ThroughputTable).Assembly.GetManifestResourceStream(name)!;
            ThroughputTable table = ThroughputTable.Read(name, stream);
            Assert.AreEqual($"throughput/{table.Processor}.json", name);
            Assert.IsTrue(table.Entries.Any(e => e.Work.Operation == KernelOperation.ConvolutionByte), name);
        }
    }

    // One set after the other is by far the fastest.
    private static ThroughputTable Alternating(Graph graph, ModelSignature signature, int shift)
    {
        using PackedProgram program = Packer.Pack(graph, signature, KernelRegistry.Active);
        var bound = new BoundProgram(program, 1, new ThreadSplit(1), long.MaxValue);
        KernelWork[] works = [.. bound.Steps.Select(s => s.Work).DistinctBy(w => (w.Operation, w.Bits))];
        IReadOnlyList<KernelSet> sets = KernelRegistry.Available;
        return new ThroughputTable("here", [.. works.SelectMany((work, i) => sets.Select((set, s) => new ThroughputEntry(set.Name, work, (i + shift) % sets.Count == s ? 1 : 1e9)))]);
    }

    private sealed class Named(string name) : Quantization.Kernels.Managed.ManagedKernels
    {
        public override string Name => name;
    }
}
