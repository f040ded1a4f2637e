using System;
using System.IO;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Verify before emit: the target is the old file or a verified new one.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class SaveTests
{
    [TestMethod]
    public void A_saved_model_loads_and_gives_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "net.mlq");
        using QuantizedModel model = QuantizedModel.FromDocument(Verified());
        model.Save(path);
        model.Save(path);
        CollectionAssert.AreEqual(new[] { path }, Directory.GetFiles(folder.Path));
        using QuantizedModel loaded = QuantizedModel.Load(path);
        loaded.Verify();
        Tensor[] inputs = ReferenceRuns.Inputs(model.Signature, 3, 1);
        Assert.AreEqual(ReferenceRuns.Hash(model.Run(inputs)), ReferenceRuns.Hash(loaded.Run(inputs)));
    }

    [TestMethod]
    public void A_model_whose_engine_disagrees_is_not_written_and_the_old_file_stays()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "net.mlq");
        File.WriteAllText(path, "old");
        ModelDocument good = Verified();
        ModelDocument bad = good with { Metadata = good.Metadata with { ReferenceRuns = [good.Metadata.ReferenceRuns[0] with { OutputHash = new string('0', 64) }] } };
        using QuantizedModel model = QuantizedModel.FromDocument(bad);
        Assert.AreEqual(QuantizationErrorCode.VerificationFailed, Assert.ThrowsException<QuantizationException>(() => model.Save(path)).Code);
        Assert.AreEqual("old", File.ReadAllText(path));
        Assert.AreEqual(1, Directory.GetFiles(folder.Path).Length);
    }

    [TestMethod]
    public void A_place_that_cannot_be_written_is_an_error_of_its_own()
    {
        using var folder = new TemporaryFolder();
        using QuantizedModel model = QuantizedModel.FromDocument(Verified());
        string path = Path.Combine(folder.Path, "missing", "net.mlq");
        Assert.AreEqual(QuantizationErrorCode.WriteFailed, Assert.ThrowsException<QuantizationException>(() => model.Save(path)).Code);
    }

    [TestMethod]
    public void A_place_below_a_file_or_that_is_a_folder_is_refused_and_nothing_is_left()
    {
        using var folder = new TemporaryFolder();
        using QuantizedModel model = QuantizedModel.FromDocument(Verified());
        string file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "old");
        string taken = Directory.CreateDirectory(Path.Combine(folder.Path, "net.mlq")).FullName;
        foreach (string path in new[] { Path.Combine(file, "net.mlq"), taken, Path.Combine(folder.Path, new string('n', 300) + ".mlq") })
        {
            Assert.AreEqual(QuantizationErrorCode.WriteFailed, Assert.ThrowsException<QuantizationException>(() => model.Save(path), path).Code, path);
        }

        Assert.ThrowsException<ArgumentException>(() => model.Save(Path.Combine(folder.Path, "a\0b.mlq")), "no path at all");
        Assert.AreEqual("old", File.ReadAllText(file));
        Assert.AreEqual(2, Directory.GetFileSystemEntries(folder.Path).Length, string.Join(", ", Directory.GetFileSystemEntries(folder.Path)));
    }

    [TestMethod]
    [DataRow("Größe 模型 مثال.mlq")]
    [DataRow("name with spaces and trailing dot.")]
    [DataRow("'quotes\" & semicolons;$HOME.mlq")]
    public void Any_name_that_the_system_takes_will_do(string name)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, name);
        using QuantizedModel model = QuantizedModel.FromDocument(Verified());
        model.Save(path);
        using QuantizedModel loaded = QuantizedModel.Load(path);
        loaded.Verify();
    }

    [TestMethod]
    public void A_file_that_a_model_was_loaded_from_can_be_replaced_under_it()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "net.mlq");
        using QuantizedModel first = QuantizedModel.FromDocument(Verified());
        first.Save(path);
        using QuantizedModel served = QuantizedModel.Load(path);
        Tensor[] inputs = ReferenceRuns.Inputs(served.Signature, 3, 1);
        string before = ReferenceRuns.Hash(served.Run(inputs));
        using QuantizedModel other = QuantizedModel.FromDocument(Verified(weightBits: 2));
        other.Save(path);
        Assert.AreEqual(before, ReferenceRuns.Hash(served.Run(inputs)), "whoever has it open keeps the old one");
        served.Verify();
        using QuantizedModel now = QuantizedModel.Load(path);
        Assert.AreNotEqual(before, ReferenceRuns.Hash(now.Run(inputs)));
    }

    private static ModelDocument Verified(int weightBits = 8)
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(weightBits));
        Tensor[] inputs = ReferenceRuns.Inputs(document.Signature, 2, 3);
        using var interpreter = new Evaluator(document.Graph, OperatorTable.Reference);
        string output = ReferenceRuns.Hash(interpreter.Run(ReferenceRuns.GraphInputs(document.Graph, document.Signature, inputs)));
        return document with { Metadata = document.Metadata with { ReferenceRuns = [new ReferenceRun(2, 3, ReferenceRuns.Hash(inputs), output)] } };
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("mlq").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
