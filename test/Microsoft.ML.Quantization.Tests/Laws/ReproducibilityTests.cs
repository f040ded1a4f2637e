using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>The same data, options and seed give the same file, on any machine, kernel set, thread count and split of the rows.</summary>
[TestClass]
public sealed class ReproducibilityTests
{
    /// <summary>
    /// SHA-256 of the file of ResNet-8, 8 bits, fitted on the first 64 training images, and of its outputs on 16 test images. They change when fitting, format or
    /// network change on purpose, and only then: whoever changes them says so in the change log.
    /// </summary>
    private const string FileHash = "b992e5fd2d799e5de7510b9af357ee4da8ecf70eae19e7f92a83b61ef850980b";
    private const string OutputHash = "3d60e1cadf60c6f1b1eb7dcffa30a8f9b57513e58d120cb5d5eebeb9a0d3c697";
    private const string Network = "fmnist-resnet8.bn";

    public static IEnumerable<object[]> Sets => KernelRegistry.Available.Select(s => new object[] { s.Name });

    [TestMethod]
    [DynamicData(nameof(Sets))]
    public void The_committed_hashes_hold_on_every_kernel_set_and_thread_count(string name)
    {
        KernelSet set = KernelRegistry.Available.Single(s => s.Name == name);
        Graph graph = Networks.Float(Network);
        QuantizationResult result = Networks.Fit(graph, QuantizationScheme.EightBits, Networks.Calibration(graph, 64, 32), set);
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using IGraphRunner engine = new EngineRunnerFactory(set, threads).Create(result.Integer);
            string output = Hash(engine.Run([Networks.Test(graph, 16)])[0].Bytes.Span);
            Assert.AreEqual($"file {FileHash} output {OutputHash}", $"file {Hash(File(result))} output {output}", $"{name}, {threads} threads. If every set shows the same new hashes and fitting changed on purpose, commit them");
        }
    }

    [TestMethod]
    [DataRow("fmnist-lenet.bn", "W8A8")]
    [DataRow("fmnist-lenet.bn", "W2A2")]
    [DataRow("fmnist-resnet8.bn", "W4A4")]
    [DataRow("fmnist-mlp", "W3A5")]
    public void Batches_of_1_7_and_128_rows_give_the_same_file(string network, string widths)
    {
        Graph graph = Networks.Float(network);
        string[] hashes = [.. new[] { 1, 7, 128 }.Select(batch => Hash(File(Networks.Fit(graph, Networks.Scheme(widths), Networks.Calibration(graph, 140, batch), KernelRegistry.Active))))];
        Assert.AreEqual(hashes[0], hashes[1], "1 and 7");
        Assert.AreEqual(hashes[0], hashes[2], "1 and 128");
    }

    [TestMethod]
    [DataRow("fmnist-lenet.bn")]
    [DataRow("fmnist-mlp")]
    public void Calibration_on_the_plain_operators_gives_the_same_file(string network)
    {
        Graph graph = Networks.Float(network);
        var plain = new PostTrainingQuantizer(new ReferenceRunnerFactory(), OperatorTable.Reference);
        var options = new PostTrainingOptions { Scheme = Networks.Scheme("W4A4"), VerifiedRows = 1 };
        QuantizationResult expected = plain.Run(graph, options, Networks.Calibration(graph, 16, 16));
        QuantizationResult found = Networks.Fit(graph, options.Scheme, Networks.Calibration(graph, 16, 5), KernelRegistry.Active);
        Assert.AreEqual(Hash(File(expected)), Hash(File(found)));
    }

    [TestMethod]
    public void Other_rows_and_other_seeds_give_other_files()
    {
        Graph graph = Networks.Float("fmnist-mlp");
        QuantizationResult first = Networks.Fit(graph, QuantizationScheme.EightBits, Networks.Calibration(graph, 32, 32), KernelRegistry.Active);
        QuantizationResult rows = Networks.Fit(graph, QuantizationScheme.EightBits, Networks.Calibration(graph, 33, 32), KernelRegistry.Active);
        QuantizationResult seed = Networks.Fit(graph, QuantizationScheme.EightBits with { Seed = 1 }, Networks.Calibration(graph, 32, 32), KernelRegistry.Active);
        Assert.AreEqual(3, new[] { first, rows, seed }.Select(r => Hash(File(r))).Distinct().Count(), "the hash sees what it should");
    }

    /// <summary>The producer names the library's version, which may change without anything else.</summary>
    private static byte[] File(QuantizationResult result)
        => ModelWriter.ToBytes(result.Document with { Metadata = result.Document.Metadata with { Producer = "test" } });

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
