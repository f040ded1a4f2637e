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

    private static ModelDocument Verified()
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet());
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
