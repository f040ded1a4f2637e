using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using QuickStart;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>The three trained networks, real images, and what they become at the widths that the laws are held at. Everything is made once.</summary>
internal static class Networks
{
    /// <summary>The networks: two convolutional ones with batch normalization in the file, one of dense layers.</summary>
    public static readonly string[] Names = ["fmnist-lenet.bn", "fmnist-resnet8.bn", "fmnist-mlp"];

    /// <summary>The widths.</summary>
    public static readonly string[] Widths = ["W8A8", "W4A4", "W3A5", "W2A2"];

    private static readonly ConcurrentDictionary<string, Lazy<Graph>> _graphs = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, Lazy<QuantizationResult>> _fitted = new(StringComparer.Ordinal);
    private static readonly Lazy<float[][]> _train = new(() => Pixels("train-1000", 256));
    private static readonly Lazy<float[][]> _test = new(() => Pixels("t10k", 64));

    /// <summary>The float network as imported.</summary>
    public static Graph Float(string name)
        => _graphs.GetOrAdd(name, n => new Lazy<Graph>(() => OnnxModel.Load(Rows.Network(n + ".onnx")).Graph)).Value;

    /// <summary>The network quantized with 64 images, on the active kernels.</summary>
    public static QuantizationResult Fitted(string name, string widths)
        => _fitted.GetOrAdd(name + widths, _ => new Lazy<QuantizationResult>(() => Fit(Float(name), Scheme(widths), Calibration(Float(name), 64, 32), KernelRegistry.Active))).Value;

    /// <summary>What a name of widths stands for; networks of 2 bits carry their additions on 16 bits.</summary>
    public static QuantizationScheme Scheme(string widths) => new()
    {
        WeightBits = widths[1] - '0',
        ActivationBits = widths[3] - '0',
        StreamBits = widths == "W2A2" ? 16 : null,
    };

    /// <summary>One fit with a given kernel set as calibration's operators and as the engine that is verified.</summary>
    public static QuantizationResult Fit(Graph graph, QuantizationScheme scheme, IEnumerable<IReadOnlyList<Tensor>> batches, KernelSet kernels)
        => new PostTrainingQuantizer(new EngineRunnerFactory(kernels), OperatorTable.Fast(kernels, WorkerPool.Shared))
            .Run(graph, new PostTrainingOptions { Scheme = scheme, VerifiedRows = 1 }, batches, CancellationToken.None);

    /// <summary>The first rows of the training images in batches.</summary>
    public static IEnumerable<IReadOnlyList<Tensor>> Calibration(Graph graph, int rows, int batch)
        => _train.Value.Take(rows).Chunk(batch).Select(b => new[] { Batch(graph, b) });

    /// <summary>The first test images as one batch.</summary>
    public static Tensor Test(Graph graph, int rows, int skip = 0) => Batch(graph, [.. _test.Value.Skip(skip).Take(rows)]);

    private static Tensor Batch(Graph graph, float[][] rows)
        => Tensor.Create<float>(graph[graph.Inputs[0]].Type.Shape.Bind(rows.Length), [.. rows.SelectMany(r => r)]);

    private static float[][] Pixels(string set, int count)
        => [.. IdxFile.Read(Path.Combine(AppContext.BaseDirectory, "data"), set).Take(count).Select(i => i.Pixels)];
}
