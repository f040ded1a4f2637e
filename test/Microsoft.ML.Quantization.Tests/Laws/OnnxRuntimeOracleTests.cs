using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>
/// An oracle that is not ours: ONNX Runtime's value of every dequantized activation of a network with Quantize and Dequantize nodes. It requantizes with other
/// float products, so that a value next to a tie may fall to the other side; everything else is equal.
/// </summary>
[TestClass]
public sealed class OnnxRuntimeOracleTests
{
    private const double LargestShare = 0.001;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Every_activation_has_the_codes_of_Onnx_Runtime()
    {
        string folder = Folder();
        if (!File.Exists(Path.Combine(folder, "done")))
        {
            Assert.Inconclusive("ONNX Runtime's values are missing; run 'npm ci --ignore-scripts' in test/Benchmarks/peers, then test/Benchmarks/peers/oracle.sh");
        }

        Graph network = OnnxModel.Load(Path.Combine(folder, "oracle.onnx")).Graph;
        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(KernelRegistry.Active), OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared));
        QuantizationResult result = quantizer.RunQuantized(network, new PostTrainingOptions { VerifiedRows = 1 });
        Assert.IsTrue(result.Layers.All(l => l.IsInteger), "every layer runs on integers: " + string.Join("; ", result.Layers.Where(l => !l.IsInteger)));
        using IGraphRunner engine = new EngineRunnerFactory(KernelRegistry.Active, 2).Create(result.Integer);
        IReadOnlyList<Tensor> found = engine.Run([NpyFile.Read(Path.Combine(folder, "x.npy"))]);
        Dictionary<string, int> places = network.Outputs.Select((id, i) => (network[id].Name, i)).ToDictionary(p => p.Name, p => p.i, StringComparer.Ordinal);
        var scales = File.ReadLines(Path.Combine(folder, "scales.txt")).Select(l => l.Split(' ')).ToDictionary(p => p[0], p => float.Parse(p[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
        Assert.IsTrue(scales.Count >= 11);
        foreach ((string name, float scale) in scales)
        {
            Compare(name, scale, NpyFile.Read(Path.Combine(folder, "values", name + ".npy")), found[places[name]]);
        }
    }

    private static string Folder([CallerFilePath] string here = "")
        => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "artifacts", "peers", "oracle"));

    private void Compare(string name, float scale, Tensor expected, Tensor found)
    {
        Assert.AreEqual(expected.Shape, found.Shape, name);
        Assert.IsTrue(expected.Values<float>().ToArray().Distinct().Count() > 50, $"{name}: the codes say something");
        int different = 0;
        int largest = 0;
        for (int i = 0; i < expected.Shape.Count; i++)
        {
            int difference = Math.Abs(Code(expected.Values<float>()[i], scale) - Code(found.Values<float>()[i], scale));
            different += difference == 0 ? 0 : 1;
            largest = Math.Max(largest, difference);
        }

        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {different} of {expected.Shape.Count} codes differ, by {largest} at most"));
        Assert.IsTrue(largest <= 1, $"{name}: codes differ by {largest}");
        Assert.IsTrue(different <= expected.Shape.Count * LargestShare, $"{name}: {different} of {expected.Shape.Count} codes differ");
    }

    private static int Code(float value, float scale) => (int)Math.Round((double)value / scale, MidpointRounding.ToEven);
}
