using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Networks of ResNet-18's shape with inner convolutions of 1 and 2 bits, trained for two steps and exported, against ONNX Runtime's int8 ResNet-18.</summary>
internal static class BinarySpeedCommand
{
    private const string PeerModel = "resnet18.u8s8.onnx";
    private const int Loads = 15;

    private static readonly Regex _inner = new(@"^stage\d\.block\d\.conv\d?$", RegexOptions.CultureInvariant);
    private static readonly Shape _image = Shape.Of(3, 224, 224);

    /// <summary>binary-speed MODEL_DIR [ROUNDS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !File.Exists(Path.Combine(args[0], PeerModel)))
        {
            Console.Error.WriteLine($"binary-speed MODEL_DIR [ROUNDS]: expected {PeerModel} in MODEL_DIR; make it with peers/make_models.py.");
            return 1;
        }

        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
        var table = new Table("network", "inner convolutions", "threads", "ours, ms", "ONNX Runtime int8 ResNet-18, ms", "ours : ONNX Runtime", "file, bytes");
        var sizes = new List<FileSize>();
        foreach ((string network, string bits, Graph graph, QuantizationAwareScheme scheme) in Networks())
        {
            ModelDocument document = Fit(graph, scheme);
            byte[] file = ModelWriter.ToBytes(document);
            string path = Path.Combine(Path.GetTempPath(), $"binary-speed-{bits.Replace('/', '-')}.mlq");
            File.WriteAllBytes(path, file);
            long bytes = file.Length;
            LayerSize[] inner = [.. LayerSize.Of(document).Where(l => _inner.IsMatch(l.Layer))];
            sizes.Add(new FileSize(network, bits, inner.Sum(l => l.Weights), inner.Sum(l => l.Bytes), Load(path)));
            foreach (int threads in new[] { 1, 2 })
            {
                using QuantizedModel model = QuantizedModel.FromDocument(document, new QuantizedModelOptions { ThreadCount = threads });
                (double ours, double peer) = Compare(model, Path.Combine(args[0], PeerModel), threads, rounds);
                table.Add(network, bits, Text(threads, "0"), Text(ours, "0.000"), Text(peer, "0.000"), Text(ours / peer, "0.00"), Text(bytes, "0"));
            }
        }

        Machine.WriteResult("binary-speed.md", $"""
            # Networks of one and two bits against 8 bits

            `dotnet run -c Release --project test/Benchmarks -- binary-speed MODELS {rounds}` on {Machine.Description}.
            Networks of ResNet-18's shape, 3 x 224 x 224, batch 1: trained with their quantizers for two steps on random images (their accuracy means nothing), exported, run through `QuantizedModel.Run` with float
            input and output (the files lie in the temporary folder, for `steps`). First, last and shortcut layers have 8 bits. The peer runs ResNet-18 with all layers in 8 bits. Medians of {rounds} alternating rounds.

            {table}
            What the 16 inner convolutions take in the file: codes at their width and the numbers beside them (scales, bias, multipliers, thresholds), without the file's headers; and what `QuantizedModel.Load` of the file takes with one thread in a process that has loaded it before, the median of {Loads} times.

            {Sizes(sizes)}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    /// <summary>A network fitted for measurements; also for <c>steps</c>.</summary>
    public static ModelDocument Fit(Graph graph, QuantizationAwareScheme scheme)
    {
        const int Rows = 4;
        float[] pixels = NetworksCommand.Reals(Rows * _image.Count);
        var rows = new MemoryBatchSource(_image, pixels, [.. Enumerable.Range(0, Rows).Select(i => (float)i)]);
        var options = new QuantizationAwareOptions { Scheme = scheme, InitialRows = 2, Training = new TrainingOptions { Epochs = 1, BatchSize = 2, Rate = 1e-4f } };
        var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Shared, new EngineRunnerFactory(KernelRegistry.Active));
        return trainer.Run(graph, rows, options).Quantized.Document;
    }

    /// <summary>The networks with their schemes.</summary>
    public static IEnumerable<(string Network, string Bits, Graph Graph, QuantizationAwareScheme Scheme)> Networks()
    {
        QuantizationAwareScheme edges = new() { TreatAsEdges = [BinaryNetworks.RealLayers] };
        yield return ("shortcut a convolution", "1/1", ImageNetworks.BinaryResNet18(_image), edges with { Weights = Method("XNOR", 1), Activations = Method("BNN", 1) });
        yield return ("ResNet-18", "2/2", ImageNetworks.ResNet18(_image), edges with { Weights = Method("DoReFa-W", 2), Activations = Method("LSQ", 2) });
        yield return ("ResNet-18", "4/4", ImageNetworks.ResNet18(_image), edges with { Weights = Method("LSQ", 4), Activations = Method("LSQ", 4) });
        yield return ("ResNet-18", "8/8", ImageNetworks.ResNet18(_image), edges with { Weights = Method("Affine", 8), Activations = Method("Affine", 8) });
    }

    private static double Load(string path)
    {
        var times = new List<double>();
        for (int i = -Loads; i < Loads; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using QuantizedModel model = QuantizedModel.Load(path, new QuantizedModelOptions { ThreadCount = 1 });
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return NetworksCommand.Median(times);
    }

    private static Table Sizes(List<FileSize> sizes)
    {
        var table = new Table("network", "inner convolutions", "weights", "bytes", "8 bits : this", "load, ms");
        long eight = sizes.First(s => s.Bits == "8/8").Bytes;
        foreach (FileSize size in sizes)
        {
            table.Add(size.Network, size.Bits, Text(size.Weights, "0"), Text(size.Bytes, "0"), Text((double)eight / size.Bytes, "0.00"), Text(size.Load, "0.0"));
        }

        return table;
    }

    private static QuantizationMethod Method(string name, int bits) => QuantizationMethods.Find(name).Default(bits);

    private static (double Ours, double Peer) Compare(QuantizedModel model, string file, int threads, int rounds)
    {
        var ours = new List<double>();
        var peers = new List<double>();
        for (int i = 0; i < rounds; i++)
        {
            peers.Add(NetworksCommand.Peer(file, 1, threads));
            ours.Add(NetworksCommand.Ours(model, 1));
        }

        return (NetworksCommand.Median(ours), NetworksCommand.Median(peers));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>What the inner layers of a network's file hold, and the time to load it in ms.</summary>
    private sealed record FileSize(string Network, string Bits, long Weights, long Bytes, double Load);
}
