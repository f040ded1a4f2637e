using System;
using System.IO;
using System.Security.Cryptography;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Serialization;

[TestClass]
public sealed class ModelFileTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(7)]
    [DataRow(8)]
    public void A_document_survives_the_file(int bits)
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(bits));
        byte[] file = ModelWriter.ToBytes(document);
        ModelDocument read = ModelReader.Read(file);
        Assert.AreEqual(GraphPrinter.Print(document.Graph), GraphPrinter.Print(read.Graph));
        for (int i = 0; i < document.Graph.Values.Length; i++)
        {
            Assert.AreEqual(document.Graph.Values[i].Constant is null, read.Graph.Values[i].Constant is null);
            CollectionAssert.AreEqual(document.Graph.Values[i].Constant?.Bytes.ToArray(), read.Graph.Values[i].Constant?.Bytes.ToArray());
        }

        CollectionAssert.AreEqual(document.Metadata.ClassNames, read.Metadata.ClassNames);
        CollectionAssert.AreEqual(document.Metadata.ReferenceRuns, read.Metadata.ReferenceRuns);
        Assert.AreEqual("w4a8", read.Metadata.Facts["scheme"]);
        CollectionAssert.AreEqual(file, ModelWriter.ToBytes(read), "writing what was read gives the same bytes");
    }

    [TestMethod]
    public void A_file_on_disk_reads_like_memory()
    {
        ModelDocument document = HandmadeGraphs.Document(HandmadeGraphs.IntegerNet());
        string path = Path.Combine(TestContext.TestRunDirectory ?? ".", Guid.NewGuid().ToString("N") + ".mlq");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, ModelWriter.ToBytes(document));
        ModelDocument read = ModelReader.Read(path);
        File.Delete(path);
        CollectionAssert.AreEqual(ModelWriter.ToBytes(document), ModelWriter.ToBytes(read));
    }

    [TestMethod]
    public void Narrow_weights_take_their_true_width()
    {
        long eight = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(8))).Length;
        long two = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(2))).Length;
        Assert.IsTrue(two < eight, $"{two} against {eight} bytes");
    }

    [TestMethod]
    public void Mid_rise_weights_of_one_bit_take_one_bit_each_and_ask_for_version_1_1()
    {
        AffineQuantization sign = HandmadeGraphs.MidRise(1, 0.5f);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Float(Shape.Of(Shape.Free, 1024)));
        ValueId codes = builder.Add(new Quantize { Inputs = [x], Result = sign });
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(sign, Shape.Of(64, 1024), 3), sign);
        builder.AddOutput(builder.Add(new IntegerDense { Inputs = [codes, w] }));
        ModelDocument document = HandmadeGraphs.Document(builder.Build());
        byte[] file = ModelWriter.ToBytes(document);
        Assert.AreEqual(64 * 1024 / 8, ConstantStore.Length(document.Graph[w].Type));
        Assert.IsTrue(file.Length < 64 * 1024 / 4, $"{file.Length} bytes");
        Assert.AreEqual(1, file[10], "minor version");
        Assert.AreEqual(0, ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()))[10], "what needs nothing new stays 1.0");
        ModelDocument read = ModelReader.Read(file);
        Assert.AreEqual(GraphPrinter.Print(document.Graph), GraphPrinter.Print(read.Graph));
        CollectionAssert.AreEqual(document.Graph.ConstantOf(w).Bytes.ToArray(), read.Graph.ConstantOf(w).Bytes.ToArray());
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(8)]
    public void Codebook_weights_take_their_true_width_and_ask_for_version_1_2(int bits)
    {
        AffineQuantization quantizer = HandmadeGraphs.Codebook(bits, 1 << bits, 64, 0, 5);
        var builder = new GraphBuilder();
        AffineQuantization input = HandmadeGraphs.Activations(8, 0.1f, 3);
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Codes(input, Shape.Of(Shape.Free, 1024)));
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(64, 1024), 3), quantizer);
        builder.AddOutput(builder.Add(new IntegerDense { Inputs = [x, w] }));
        ModelDocument document = HandmadeGraphs.Document(builder.Build());
        byte[] file = ModelWriter.ToBytes(document);
        Assert.AreEqual(64 * 1024 / 8 * bits, ConstantStore.Length(document.Graph[w].Type));
        Assert.IsTrue(file.Length < (64 * 1024 / 8 * bits) + 3000, $"{file.Length} bytes");
        Assert.AreEqual(2, file[10], "minor version");
        ModelDocument read = ModelReader.Read(file);
        Assert.AreEqual(document.Graph[w].Type, read.Graph[w].Type);
        CollectionAssert.AreEqual(document.Graph.ConstantOf(w).Bytes.ToArray(), read.Graph.ConstantOf(w).Bytes.ToArray());
        CollectionAssert.AreEqual(file, ModelWriter.ToBytes(read), "writing what was read gives the same bytes");
    }

    [TestMethod]
    public void Every_flipped_byte_is_noticed()
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(4)));
        for (int i = 0; i < file.Length; i += 7)
        {
            byte[] damaged = (byte[])file.Clone();
            damaged[i] ^= 0x40;
            QuantizationErrorCode? code = Code(damaged);
            bool inert = i is 10 or 11 or 14 or 15 or (>= 20 and < 24) || IsPadding(file, i);
            Assert.IsTrue(inert || code is not null, $"byte {i} was changed and nothing noticed");
        }
    }

    [TestMethod]
    public void Bad_files_get_their_codes()
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()));
        Assert.AreEqual(QuantizationErrorCode.NotAModel, Code([]));
        Assert.AreEqual(QuantizationErrorCode.NotAModel, Code("<html>not found</html>"u8.ToArray()));
        Assert.AreEqual(QuantizationErrorCode.TruncatedModel, Code(file[..40]));
        Assert.AreEqual(QuantizationErrorCode.TruncatedModel, Code(file[..^1]));
        byte[] newer = (byte[])file.Clone();
        newer[12] = 9;
        Assert.AreEqual(QuantizationErrorCode.UnsupportedModelVersion, Code(newer));
        byte[] damaged = (byte[])file.Clone();
        damaged[^70] ^= 1;
        Assert.AreEqual(QuantizationErrorCode.CorruptModel, Code(damaged));
    }

    [TestMethod]
    public void A_newer_optional_section_is_skipped_and_a_required_one_refused()
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()));
        Assert.IsNull(Code(ModelFileSurgery.AddSection(file, 77, required: false)));
        Assert.AreEqual(QuantizationErrorCode.UnsupportedModelVersion, Code(ModelFileSurgery.AddSection(file, 77, required: true)));
    }

    [TestMethod]
    [DataRow("1.0")]
    [DataRow("1.1")]
    [DataRow("1.2")]
    public void The_golden_file_of_each_version_stays_readable(string version)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "data", $"golden-{version}.mlq");
        ModelDocument read = ModelReader.Read(path);
        ModelDocument expected = HandmadeGraphs.Document(version switch { "1.0" => HandmadeGraphs.IntegerNet(4), "1.1" => HandmadeGraphs.LowBitNet(), _ => HandmadeGraphs.CodebookNet() });
        Assert.AreEqual(GraphPrinter.Print(expected.Graph), GraphPrinter.Print(read.Graph));
        Assert.AreEqual(
            Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))),
            Convert.ToHexString(SHA256.HashData(ModelWriter.ToBytes(expected))),
            "today's writer gives the golden bytes");
    }

    internal static QuantizationErrorCode? Code(byte[] file)
    {
        try
        {
            ModelReader.Read(file);
            return null;
        }
        catch (QuantizationException exception)
        {
            return exception.Code;
        }
    }

    // Bytes between sections carry nothing; the header's length field still covers them.
    private static bool IsPadding(byte[] file, int index)
    {
        for (int i = 0; i < BitConverter.ToInt32(file, 16); i++)
        {
            int entry = 64 + (i * 64);
            long offset = BitConverter.ToInt64(file, entry + 8);
            if (index >= offset && index < offset + BitConverter.ToInt64(file, entry + 16))
            {
                return false;
            }
        }

        return index >= 64 + (BitConverter.ToInt32(file, 16) * 64);
    }
}
