using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
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
    [DataRow("1.0", "IntegerNet")]
    [DataRow("1.1", "LowBitNet")]
    [DataRow("1.2", "CodebookNet")]
    [DataRow("2.0", "IntegerNet")]
    [DataRow("2.1", "LowBitNet")]
    [DataRow("2.2", "CodebookNet")]
    public void The_golden_file_of_each_version_stays_readable(string version, string network)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "data", $"golden-{version}.mlq"));
        Graph graph = network switch { "IntegerNet" => HandmadeGraphs.IntegerNet(4), "LowBitNet" => HandmadeGraphs.LowBitNet(), _ => HandmadeGraphs.CodebookNet() };
        byte[] today = ModelWriter.ToBytes(HandmadeGraphs.Document(graph));
        Assert.AreEqual(GraphPrinter.Print(graph), GraphPrinter.Print(ModelReader.Read(file).Graph));
        Assert.AreEqual(version[2] - '0', file[10], "minor version");
        if (version[0] == '1')
        {
            // Version 2 changed the checksums and nothing else.
            file[8] = file[12] = 2;
            ModelFileSurgery.Reseal(file);
        }

        Assert.AreEqual(Convert.ToHexString(SHA256.HashData(file)), Convert.ToHexString(SHA256.HashData(today)), "today's writer gives the golden bytes");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(63)]
    [DataRow(64)]
    [DataRow(200)]
    public void Checksums_are_eight_chains_of_crc(int length)
    {
        byte[] data = [.. Enumerable.Range(0, length).Select(i => (byte)((i * 37) + 11))];
        byte[] found = new byte[ModelChecksums.Length];
        ModelChecksums.Make(ModelChecksum.Crc32C, data, found);
        byte[] filled = [.. data, .. new byte[64 - (length % 64)]];
        for (int chain = 0; chain < 8; chain++)
        {
            IEnumerable<byte> own = Enumerable.Range(0, filled.Length / 64).SelectMany(block => filled.AsSpan((block * 64) + (chain * 8), 8).ToArray());
            uint expected = PlainCrc([.. own, .. chain == 0 ? BitConverter.GetBytes((long)length) : []]);
            Assert.AreEqual(expected, BitConverter.ToUInt32(found, chain * 4), $"chain {chain}");
        }

        Assert.IsTrue(ModelChecksums.Holds(ModelChecksum.Crc32C, data, found));
        Assert.IsFalse(ModelChecksums.Holds(ModelChecksum.Crc32C, [.. data, 0], found), "a zero more is another file");
    }

    // CRC-32C bit by bit (reflected polynomial 0x82F63B78), without the last complement.
    private static uint PlainCrc(byte[] data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u);
            }
        }

        return crc;
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
