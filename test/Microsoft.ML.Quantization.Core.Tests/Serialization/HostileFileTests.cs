using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Serialization;

/// <summary>Model files that lie with checksums that hold, and files that are none.</summary>
[TestClass]
public sealed class HostileFileTests
{
    [TestMethod]
    [DataRow(0.05f, float.NaN)]
    [DataRow(0.05f, float.PositiveInfinity)]
    [DataRow(0.05f, 0f)]
    [DataRow(0.05f, -1f)]
    [DataRow(0.02f, float.NaN)]
    [DataRow(0.02f, float.NegativeInfinity)]
    public void A_scale_that_cannot_be_is_refused(float scale, float replacement)
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()));
        byte[] from = BitConverter.GetBytes(scale);
        int found = 0;
        for (int i = 0; i + 4 <= file.Length; i++)
        {
            if (file.AsSpan(i, 4).SequenceEqual(from))
            {
                BitConverter.GetBytes(replacement).CopyTo(file, i);
                found++;
            }
        }

        Assert.IsTrue(found > 0, "the file holds that scale");
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Load(ModelFileSurgery.Reseal(file)));
        Assert.IsTrue(error.Code is QuantizationErrorCode.CorruptModel or QuantizationErrorCode.InvalidGraph or QuantizationErrorCode.InvalidAttribute, error.Message);
    }

    [TestMethod]
    public void Constants_that_share_their_bytes_are_refused_so_that_no_file_unpacks_to_many_times_its_size()
    {
        Graph graph = HandmadeGraphs.IntegerNet(2);
        (Dictionary<ValueId, long> offsets, long length) = ConstantStore.Plan(graph);
        byte[] weights = new byte[length];
        Assert.IsNotNull(GraphCodec.Read(GraphCodec.Write(graph, offsets), new WeightSection(weights)));
        Dictionary<ValueId, long> shared = offsets.ToDictionary(p => p.Key, _ => 0L);
        byte[] section = GraphCodec.Write(graph, shared);
        int largest = (int)offsets.Keys.Max(id => ConstantStore.Length(graph[id].Type));
        Assert.AreEqual(QuantizationErrorCode.CorruptModel, Assert.ThrowsException<QuantizationException>(() => GraphCodec.Read(section, new WeightSection(weights.AsMemory(0, largest).ToArray()))).Code);
    }

    [TestMethod]
    public void Empty_tiny_and_enormous_files_are_refused_before_they_are_read()
    {
        string path = Path.GetTempFileName();
        try
        {
            Assert.AreEqual(QuantizationErrorCode.NotAModel, Code(path), "empty");
            File.WriteAllBytes(path, [77]);
            Assert.AreEqual(QuantizationErrorCode.NotAModel, Code(path), "one byte");
            if (OperatingSystem.IsLinux())
            {
                using (FileStream file = File.OpenWrite(path))
                {
                    file.SetLength(3L << 30);
                }

                long before = GC.GetTotalAllocatedBytes();
                Assert.AreEqual(QuantizationErrorCode.NotAModel, Code(path), "3 GiB");
                Assert.IsTrue(GC.GetTotalAllocatedBytes() - before < 1 << 20);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Every_shorter_file_is_refused_from_disk_too()
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(4)));
        string path = Path.GetTempFileName();
        try
        {
            foreach (int length in Enumerable.Range(1, 40).Select(i => file.Length * i / 41))
            {
                File.WriteAllBytes(path, file[..length]);
                Assert.IsTrue(Code(path) is QuantizationErrorCode.TruncatedModel or QuantizationErrorCode.NotAModel, $"{length} of {file.Length} bytes");
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void A_full_disk_is_an_error_and_not_a_short_file()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.Inconclusive("the system has no device that is always full");
        }

        Assert.ThrowsException<IOException>(() =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.None, 0);
            ModelWriter.Write(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet()), full);
        });
    }

    private static void Load(byte[] file) => QuantizedModel.Load(new MemoryStream(file)).Dispose();

    private static QuantizationErrorCode Code(string path) => Assert.ThrowsException<QuantizationException>(() => QuantizedModel.Load(path)).Code;
}
