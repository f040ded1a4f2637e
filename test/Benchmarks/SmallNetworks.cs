using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>The trained Fashion-MNIST networks of test/data/models, quantized and scored by the shipping engine.</summary>
internal static class SmallNetworks
{
    public static readonly string[] Names = ["fmnist-lenet.bn.onnx", "fmnist-resnet8.bn.onnx", "fmnist-mlp.onnx"];

    public static Graph Load(string name) => OnnxModel.Load(Path.Combine(Machine.Folder(), "..", "data", "models", name)).Graph;

    public static ModelDocument Quantize(Graph graph, QuantizationScheme scheme, FashionMnist calibration, int rows, IProgress<QuantizationProgress>? progress = null)
    {
        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(KernelRegistry.Active), FastTable(), progress: progress);
        return quantizer.Run(graph, new PostTrainingOptions { Scheme = scheme }, Batches(graph, calibration, rows, 50)).Document;
    }

    public static OperatorTable FastTable() => OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared);

    public static IEnumerable<IReadOnlyList<Tensor>> Batches(Graph graph, FashionMnist data, int rows, int batch)
    {
        Shape shape = graph[graph.Inputs[0]].Type.Shape;
        for (int row = 0; row < rows; row += batch)
        {
            int count = Math.Min(batch, rows - row);
            yield return [Tensor.Create<float>(shape.Bind(count), data.Pixels.AsSpan(row * FashionMnist.ImageLength, count * FashionMnist.ImageLength))];
        }
    }

    /// <summary>Share of images whose largest output is their label.</summary>
    public static double Accuracy(QuantizedModel model, FashionMnist test)
    {
        const int Batch = 100;
        const int Classes = 10;
        var output = new float[Batch * Classes];
        int right = 0;
        for (int row = 0; row < test.Count; row += Batch)
        {
            int count = Math.Min(Batch, test.Count - row);
            model.Run(test.Pixels.AsSpan(row * FashionMnist.ImageLength, count * FashionMnist.ImageLength), output.AsSpan(0, count * Classes), count);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> scores = output.AsSpan(i * Classes, Classes);
                int best = 0;
                for (int c = 1; c < Classes; c++)
                {
                    best = scores[c] > scores[best] ? c : best;
                }

                right += best == test.Labels[row + i] ? 1 : 0;
            }
        }

        return (double)right / test.Count;
    }
}
