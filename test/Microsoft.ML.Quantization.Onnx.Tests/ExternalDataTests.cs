using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Weights in files beside the model: what is read, and what a hostile model must not reach.</summary>
[TestClass]
public sealed partial class ExternalDataTests
{
    private string _folder = string.Empty;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mlq-onnx-").FullName;

    [TestCleanup]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void DataAreReadFromTheFolderAtTheirOffset()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        File.WriteAllBytes(Path.Combine(_folder, "data", "w.bin"), [9, 9, 9, .. Floats(1, 2, 3, 4)]);
        OnnxImportResult result = OnnxModel.Load(Model(("location", "data/w.bin"), ("offset", "3"), ("length", "16"), ("checksum", "whatever")));
        float[] weights = result.Graph.Values.First(v => v.Constant is not null).Constant!.Values<float>().ToArray();
        CollectionAssert.AreEquivalent(Enumerable.Range(1, 4).Select(i => (float)i).ToArray(), weights);
    }

    [TestMethod]
    public void AMissingFileIsNamed()
        => BadInputTests.Fails(QuantizationErrorCode.ExternalDataMissing, Path.Combine(_folder, "w.bin"), () => OnnxModel.Load(Model(("location", "w.bin"))));

    [TestMethod]
    [DataRow("../w.bin")]
    [DataRow("a/../../w.bin")]
    [DataRow("..\\w.bin")]
    [DataRow("/etc/hostname")]
    [DataRow("C:\\w.bin")]
    [DataRow("C:w.bin")]
    [DataRow("\\\\server\\share\\w.bin")]
    [DataRow("//server/share/w.bin")]
    [DataRow("")]
    [DataRow("a//b")]
    public void APlaceOutsideTheFolderIsRefused(string location)
        => BadInputTests.Fails(QuantizationErrorCode.ExternalDataRejected, "relative path", () => OnnxModel.Load(Model(("location", location))));

    [TestMethod]
    [DataRow("100", "16")]
    [DataRow("4", "16")]
    [DataRow("9223372036854775807", "16")]
    [DataRow("-1", "16")]
    [DataRow("x", "16")]
    public void AnOffsetOutsideTheFileIsRefused(string offset, string length)
    {
        File.WriteAllBytes(Path.Combine(_folder, "w.bin"), Floats(1, 2, 3, 4));
        BadInputTests.Fails(QuantizationErrorCode.ExternalDataRejected, "offset", () => OnnxModel.Load(Model(("location", "w.bin"), ("offset", offset), ("length", length))));
    }

    [TestMethod]
    public void ALengthThatIsNotTheTensorsIsRefused()
        => BadInputTests.Fails(QuantizationErrorCode.TensorLengthMismatch, "16 bytes", () =>
        {
            File.WriteAllBytes(Path.Combine(_folder, "w.bin"), Floats(1, 2, 3, 4));
            OnnxModel.Load(Model(("location", "w.bin"), ("length", "12")));
        });

    [TestMethod]
    public void ASymbolicLinkIsRefusedUnlessItsTargetIsAllowed()
    {
        string blobs = Directory.CreateDirectory(Path.Combine(_folder, "blobs")).FullName;
        string model = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.WriteAllBytes(Path.Combine(blobs, "w.bin"), Floats(1, 2, 3, 4));
        try
        {
            File.CreateSymbolicLink(Path.Combine(model, "w.bin"), Path.Combine(blobs, "w.bin"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Assert.Inconclusive("This machine lets no symbolic link be made: " + e.Message);
        }

        string path = Model(model, ("location", "w.bin"));
        BadInputTests.Fails(QuantizationErrorCode.ExternalDataRejected, "AllowLinksWithin", () => OnnxModel.Load(path));
        BadInputTests.Fails(QuantizationErrorCode.ExternalDataRejected, "AllowLinksWithin", () => OnnxModel.Load(path, new OnnxImportOptions { AllowLinksWithin = model }));
        Assert.IsNotNull(OnnxModel.Load(path, new OnnxImportOptions { AllowLinksWithin = blobs }).Graph);
    }

    [TestMethod]
    public void AHardLinkIsRefused()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("The test makes hard links on Linux only.");
        }

        string other = Path.Combine(_folder, "secret");
        File.WriteAllBytes(other, Floats(1, 2, 3, 4));
        Assert.AreEqual(0, Link(other, Path.Combine(_folder, "w.bin")));
        string path = Model(("location", "w.bin"));
        BadInputTests.Fails(QuantizationErrorCode.ExternalDataRejected, "hard link", () => OnnxModel.Load(path));
        Assert.IsNotNull(OnnxModel.Load(path, new OnnxImportOptions { AllowLinksWithin = _folder }).Graph);
    }

    private string Model(params (string Key, string Value)[] keys) => Model(_folder, keys);

    private static string Model(string folder, params (string Key, string Value)[] keys)
    {
        ModelWriter model = new ModelWriter().Input("x", 1, 2).Raw("w", DataType.Float, [2, 2], []).Node("MatMul", "x w", "y").Output("y");
        TensorMessage tensor = model.Graph.Initializers[0];
        tensor.ClearRaw();
        tensor.DataLocation = 1;
        tensor.ExternalData.AddRange(keys.Select(k => new TextPairMessage { Key = k.Key, Value = k.Value }));
        string path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, model.ToBytes());
        return path;
    }

    private static byte[] Floats(params float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Link(string from, string to);
}
