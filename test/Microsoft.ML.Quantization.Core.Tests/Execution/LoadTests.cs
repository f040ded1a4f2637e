using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Loading: threads that pack change no byte, and weights that were packed leave memory without the model losing them.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class LoadTests
{
    private string _folder = string.Empty;

    [TestInitialize]
    public void Prepare() => _folder = Directory.CreateTempSubdirectory("mlq").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_load_in_parallel_equals_a_load_on_one_thread()
    {
        Graph graph = Net(8);
        WorkerPool pool = Pools.Create(3);
        try
        {
            foreach (KernelSet set in KernelRegistry.Available)
            {
                using PackedProgram alone = Packer.Pack(graph, ModelSignature.Of(graph), set);
                using PackedProgram shared = Packer.Pack(graph, ModelSignature.Of(graph), set, pool: pool);
                byte[][] expected = Bytes(alone), found = Bytes(shared);
                Assert.AreEqual(3, expected.Length);
                Assert.IsTrue(PackJob.PartsOf((PackedWeights)alone.Weights[0]) > 1, "the first layer is cut into parts");
                for (int i = 0; i < expected.Length; i++)
                {
                    CollectionAssert.AreEqual(expected[i], found[i], $"{set.Name}, weights {i}");
                }
            }
        }
        finally
        {
            Pools.Release(pool);
        }
    }

    [TestMethod]
    [DataRow(8)]
    [DataRow(3)]
    public void A_loaded_model_gives_its_file_back_even_when_the_file_is_gone(int bits)
    {
        (string path, byte[] file, string expected) = Write(bits);
        using QuantizedModel model = QuantizedModel.Load(path, new QuantizedModelOptions { ThreadCount = 2 });
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        Assert.AreEqual(expected, Output(model));
        byte[][] found = new byte[4][];
        Parallel.For(0, found.Length, i => found[i] = ModelWriter.ToBytes(model.Document));
        Assert.IsTrue(found.All(f => f.AsSpan().SequenceEqual(file)));
        Assert.AreEqual(expected, Output(model));
    }

    [TestMethod]
    public void Packed_weights_leave_memory_and_everything_else_stays()
    {
        (string path, _, _) = Write(8);
        using ModelFile opened = ModelFile.Open(path);
        opened.CheckWeights();
        (ModelDocument document, StoredWeights stored) = opened.Read();
        using PackedProgram program = Packer.Pack(document.Graph, document.Signature, KernelRegistry.Active);
        string[] packed = [.. document.Graph.Values.Where(v => v.Constant is not null && program.Packed.Contains(v.Constant)).Select(v => v.Name)];
        CollectionAssert.AreEquivalent(new[] { "w1", "w2", "w3" }, packed, "the bias is read by nobody but is no packed weight");
        byte[] before = ModelWriter.ToBytes(document);
        stored.Release(program.Packed);
        CollectionAssert.AreEqual(before, ModelWriter.ToBytes(document));
        stored.Dispose();
        Assert.AreEqual(256, document.Graph.Values.Single(v => v.Name == "b1").Constant!.Values<int>().Length, "kept");
        Assert.ThrowsException<ObjectDisposedException>(() => _ = document.Graph.Values.Single(v => v.Name == "w1").Constant!.Values<sbyte>()[0], "the file is closed");
    }

    [TestMethod]
    public void Other_programs_may_open_the_file_alone_and_a_file_written_over_is_noticed_when_weights_are_read_again()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("on Windows the file is not kept open");
        }

        (string path, byte[] file, string expected) = Write(8);
        using QuantizedModel model = QuantizedModel.Load(path);
        using (var alone = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            alone.Seek(file.Length / 2, SeekOrigin.Begin);
            alone.WriteByte((byte)(file[file.Length / 2] + 1));
        }

        Assert.AreEqual(expected, Output(model), "runs read packed weights");
        Assert.AreEqual(QuantizationErrorCode.CorruptModel, Assert.ThrowsException<QuantizationException>(() => model.Save(Path.Combine(_folder, "copy.mlq"))).Code);
        CollectionAssert.AreEqual(new[] { path }, Directory.GetFiles(_folder), "nothing is left of the failed save");
        File.WriteAllBytes(path, file);
        CollectionAssert.AreEqual(file, ModelWriter.ToBytes(model.Document), "the same bytes will do again");
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Damaged_weights_are_found_by_their_checksum_whatever_else_is_wrong_with_them(int threads)
    {
        (string path, byte[] file, _) = Write(3);
        file[file.Length / 2] ^= 0x40;
        File.WriteAllBytes(path, file);
        for (int i = 0; i < 5; i++)
        {
            QuantizationException error = Assert.ThrowsException<QuantizationException>(() => QuantizedModel.Load(path, new QuantizedModelOptions { ThreadCount = threads }));
            Assert.AreEqual(QuantizationErrorCode.CorruptModel, error.Code);
            StringAssert.Contains(error.Message, "checksum", error.Message);
        }
    }

    [TestMethod]
    public void A_constant_that_an_operator_reads_as_well_stays_in_memory()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 64)));
        ValueId w = builder.AddConstant("w", RandomTensors.Floats(Shape.Of(64, 64), 3));
        ValueId y = builder.Add(new Dense { Name = "dense", Inputs = [x, w] });
        builder.AddOutput(builder.Add(new MatMul { Name = "again", Inputs = [y, w] }, "y"));
        Graph graph = builder.Build();
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        Assert.AreEqual(0, program.Packed.Count);
    }

    /// <summary>float [N,256,3,3] → codes → convolution 3x3 to 256 channels → codes → convolution 1x1 to 64 → codes → flatten → dense → float [N,10].</summary>
    private static Graph Net(int bits)
    {
        AffineQuantization codes = HandmadeGraphs.Activations(8, 0.03f, 128), hidden = HandmadeGraphs.Activations(8, 0.05f, 0);
        var random = new CounterRandom(11, (ulong)bits);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 256, 3, 3)));
        ValueId at = builder.Add(new Quantize { Name = "enter", Inputs = [x], Result = codes });
        ValueId b = builder.AddConstant("b1", Tensor.Create(Shape.Of(256), [.. Enumerable.Range(-100, 256)]));
        at = builder.Add(new IntegerConvolution { Name = "conv1", Inputs = [at, HandmadeGraphs.Weights(builder, "w1", Shape.Of(256, 256, 3, 3), bits, random), b], Window = HandmadeGraphs.Square(3, 1, 1) });
        at = builder.Add(Codes("codes1", at, hidden));
        at = builder.Add(new IntegerConvolution { Name = "conv2", Inputs = [at, HandmadeGraphs.Weights(builder, "w2", Shape.Of(64, 256, 1, 1), bits, random)], Window = HandmadeGraphs.Square(1, 1, 0) });
        at = builder.Add(Codes("codes2", at, hidden));
        at = builder.Add(new Reshape { Name = "flatten", Inputs = [at], Target = [0, -1] });
        at = builder.Add(new IntegerDense { Name = "dense", Inputs = [at, HandmadeGraphs.Weights(builder, "w3", Shape.Of(10, 576), 8, random)] });
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Name = "leave", Inputs = [at], Multipliers = [0.001f], Offsets = [0], Axis = 1 }, "y"));
        return builder.Build();
    }

    private static Requantize Codes(string name, ValueId from, AffineQuantization to)
        => new() { Name = name, Inputs = [from], Multipliers = [0.0004f], Offsets = [20], Minimum = to.Range.Min, Maximum = to.Range.Max, Result = to };

    private static byte[][] Bytes(PackedProgram program) => [.. program.Weights.Cast<PackedWeights>().Select(w => w.Span<byte>().ToArray())];

    private static string Output(QuantizedModel model) => ReferenceRuns.Hash(model.Run(ReferenceRuns.Inputs(model.Signature, 2, 1)));

    private (string Path, byte[] File, string Output) Write(int bits)
    {
        ModelDocument document = HandmadeGraphs.Document(Net(bits));
        string path = Path.Combine(_folder, "net.mlq");
        byte[] file = ModelWriter.ToBytes(document);
        File.WriteAllBytes(path, file);
        using QuantizedModel model = QuantizedModel.FromDocument(document, new QuantizedModelOptions { ThreadCount = 1 });
        return (path, file, Output(model));
    }
}
