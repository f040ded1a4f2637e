using System;
using System.Diagnostics;
using Google.Protobuf;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests.Fuzzing;

/// <summary>Damaged models: a graph that verifies or one error of the family; never another exception, a second of time, or memory beyond a multiple of the file.</summary>
[TestClass]
public sealed class FuzzTests
{
    private const int Mutants = 12_000;
    private const long Memory = 64L << 20;
    private static readonly OnnxImportOptions _options = new() { MaximumTensorBytes = Memory / 2 };

    [TestMethod]
    public void DamagedBytesGiveAGraphOrOneError() => Fuzz(1, (seed, random) => ByteMutator.Mutate(seed.ToBytes(), random));

    [TestMethod]
    public void DamagedModelsGiveAGraphOrOneError() => Fuzz(2, (seed, random) => StructureMutator.Mutate(seed.Model, random).ToByteArray());

    private static void Fuzz(int start, Func<ModelWriter, Random, byte[]> mutate)
    {
        ModelWriter[] seeds = [.. SampleModels.All()];
        foreach (ModelWriter seed in seeds)
        {
            Assert.AreEqual(string.Empty, Try(seed.ToBytes()), "the seeds are valid");
        }

        int refused = 0;
        for (int i = 0; i < Mutants; i++)
        {
            byte[] mutant = mutate(seeds[i % seeds.Length], new Random((start * 1_000_000) + i));
            string? problem = Try(mutant);
            refused += problem is null ? 1 : 0;
            Assert.IsTrue(string.IsNullOrEmpty(problem), $"mutant {i}: {problem}\n{Convert.ToBase64String(mutant)}");
        }

        Assert.IsTrue(refused > Mutants / 10 && refused < Mutants, $"{refused} of {Mutants} mutants were refused; mutations should do both");
    }

    /// <summary>Empty when a graph came, null when the model was refused, else what went wrong.</summary>
    private static string? Try(byte[] bytes)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        string? result = string.Empty;
        try
        {
            GraphVerifier.Verify(OnnxModel.Load(bytes, _options).Graph);
        }
        catch (QuantizationException)
        {
            result = null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return e.ToString();
        }

        long memory = GC.GetAllocatedBytesForCurrentThread() - before;
        return watch.ElapsedMilliseconds > 1000 ? $"took {watch.ElapsedMilliseconds} ms"
            : memory > Memory + (4L * bytes.Length) ? $"allocated {memory} bytes for a file of {bytes.Length}"
            : result;
    }
}
