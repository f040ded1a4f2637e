using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Latency against ONNX Runtime on the same files, alternating within one run; models made by peers/make_models.py.</summary>
internal static class NetworksCommand
{
    private static readonly string[] _models = ["resnet18.u8s8.onnx", "resnet18.onnx", "mobilenetv2.u8s8.onnx", "mobilenetv2.onnx", "vggsmall.u8s8.onnx", "vggsmall.onnx", "minilm.u8s8.onnx", "minilm.onnx", "resnet50.u8s8.onnx", "resnet50.onnx", "alexnet.u8s8.onnx", "alexnet.onnx"];

    /// <summary>Networks that are also quantized here, and compared with the peer's file of 8 bits: that file leaves attention in float, and the peer's dense layers have 8 bits.</summary>
    private static readonly (string Model, string Name, Func<Graph, QuantizationScheme> Scheme)[] _own =
    [
        ("minilm.onnx", "8 bits of ours", _ => QuantizationScheme.EightBits),
        ("alexnet.onnx", "8 bits of ours, dense layers 4", FourBitDense),
    ];

    private static readonly int[] _batches = [1, 8];

    private static readonly string[] _heads =
        ["model", "threads", .. _batches.SelectMany(b => new[] { "ours, ms", "ONNX Runtime, ms", "ours : ONNX Runtime" }.Select(h => Text(b, "'batch '0': '") + h))];

    /// <summary>Tokens of the encoder.</summary>
    private const int Sequence = 128;

    /// <summary>What the peer's networks leave free.</summary>
    internal static OnnxImportOptions Import { get; } = new() { Dimensions = ImmutableDictionary<string, int>.Empty.Add("seq", Sequence) };

    /// <summary>networks MODEL_DIR [ROUNDS [MODEL ...]]; written after each model, rows of those not measured yet are kept.</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("networks: the folder of the models is missing; make them with peers/make_models.py.");
            return 1;
        }

        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
        HashSet<string> wanted = [.. args.Skip(2)];
        bool IsWanted(string model) => (wanted.Count == 0 || wanted.Contains(model)) && File.Exists(Path.Combine(args[0], model));
        var table = new Table(_heads);
        foreach (string file in _models.Where(IsWanted).Select(m => Path.Combine(args[0], m)))
        {
            Compare(Path.GetFileName(file), Document(file), file, rounds, table);
            Write(Merged(table), rounds);
        }

        foreach ((string model, string name, Func<Graph, QuantizationScheme> scheme) in _own.Where(o => IsWanted(o.Model)))
        {
            string file = Path.Combine(args[0], model);
            Compare($"{model}, {name}", Quantized(file, scheme), file.Replace(".onnx", ".u8s8.onnx", StringComparison.Ordinal), rounds, table);
            Write(Merged(table), rounds);
        }

        return 0;
    }

    private static void Write(QuietTable table, int rounds)
    {
        Machine.WriteResult("networks.md", $"""
            # Latency against ONNX Runtime 1.30

            `dotnet run -c Release --project test/Benchmarks -- networks MODELS {rounds}` on {Machine.Description}.
            Each figure is the median of {rounds} alternating rounds, each round being the median of at least 30 runs. Ours is timed through `QuantizedModel.Run` with float input and output, as the peer is.
            A row's figures are of one run; a model may have been measured again by itself.

            {table}
            """.ReplaceLineEndings("\n"));
        Machine.WriteResult("networks.json", $$"""
            {
              "machine": "{{Machine.Description}}",
              "rounds": {{Text(rounds, "0")}},
              "rows": {{table.ToJson()}}
            }

            """.ReplaceLineEndings("\n"));
    }

    /// <summary>The rows of the last result, those measured now in their places.</summary>
    private static QuietTable Merged(QuietTable measured)
    {
        var merged = new QuietTable(_heads);
        string file = Machine.ResultFolder("networks.json");
        string[][] rows = File.Exists(file) ? [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("rows").EnumerateArray().Select(r => _heads.Select(h => r.GetProperty(h).ToString()).ToArray())] : [];
        Dictionary<(string, string), string[]> anew = measured.Rows.ToDictionary(r => (r[0], r[1]));
        foreach (string[] row in rows.Concat(measured.Rows.Where(m => !rows.Any(r => (r[0], r[1]) == (m[0], m[1])))))
        {
            merged.Add(anew.GetValueOrDefault((row[0], row[1]), row));
        }

        return merged;
    }

    private static void Compare(string name, ModelDocument document, string peer, int rounds, Table table)
    {
        foreach (int threads in new[] { 1, 2 })
        {
            table.Add([name, Text(threads, "0"), .. _batches.SelectMany(b => Compare(document, peer, b, threads, rounds))]);
        }
    }

    private static string[] Compare(ModelDocument document, string peer, int batch, int threads, int rounds)
    {
        using var model = QuantizedModel.FromDocument(document, new QuantizedModelOptions { ThreadCount = threads });
        var ours = new List<double>();
        var peers = new List<double>();
        for (int i = 0; i < rounds; i++)
        {
            peers.Add(Peer(peer, batch, threads));
            ours.Add(Ours(model, batch));
        }

        (double mine, double theirs) = (Median(ours), Median(peers));
        return [Text(mine, "0.000"), Text(theirs, "0.000"), Text(mine / theirs, "0.00")];
    }

    /// <summary>A float file quantized with random rows: good enough to time.</summary>
    public static ModelDocument Quantized(string file, Func<Graph, QuantizationScheme> scheme)
    {
        const int Rows = 8;
        Graph graph = OnnxModel.Load(file, Import).Graph;
        Shape shape = graph[graph.Inputs[0]].Type.Shape.Bind(Rows);
        Tensor rows = graph[graph.Inputs[0]].Type.Element == ElementType.Int64 ? Tensor.Create<long>(shape, Tokens(shape.Count)) : Tensor.Create(shape, Reals(shape.Count));
        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(KernelRegistry.Active), SmallNetworks.FastTable());
        return quantizer.Run(graph, new PostTrainingOptions { Scheme = scheme(graph), VerifiedRows = 1 }, [[rows]]).Document;
    }

    private static QuantizationScheme FourBitDense(Graph graph)
        => QuantizationScheme.EightBits with { Overrides = [.. PostTrainingQuantizer.Clean(graph).Nodes.OfType<Dense>().Select(d => new LayerOverride(Regex.Escape(d.Name), 4, 8))] };

    /// <summary>A model as the engine is given it: an .mlq file as it is, quantized files lowered to integers, and others too if asked, with stand-ins for ranges.</summary>
    public static ModelDocument Document(string file, bool lowered = false)
    {
        if (file.EndsWith(".mlq", StringComparison.OrdinalIgnoreCase))
        {
            return ModelReader.Read(file);
        }

        Graph graph = OnnxModel.Load(file, Import).Graph;
        if (!file.Contains("u8s8", StringComparison.Ordinal))
        {
            graph = lowered ? LatencyPredictor.Lower(graph, QuantizationScheme.EightBits) : PostTrainingQuantizer.Clean(graph);
            return new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata());
        }

        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(KernelRegistry.Active), SmallNetworks.FastTable());
        return quantizer.RunQuantized(graph, new PostTrainingOptions()).Document;
    }

    public static double Ours(QuantizedModel model, int batch)
    {
        Shape input = model.Signature.Inputs[0].Shape.Bind(batch);
        var y = new float[model.Signature.Outputs[0].Shape.Bind(batch).Count];
        if (model.Signature.Inputs[0].Element == ElementType.Int64)
        {
            long[] tokens = Tokens(input.Count);
            return Time(() => model.Run<long, float>(tokens, y, batch));
        }

        float[] x = Reals(input.Count);
        return Time(() => model.Run(x, y, batch));
    }

    /// <summary>Token numbers, low enough for any vocabulary.</summary>
    public static long[] Tokens(int count)
    {
        const int Least = 1000;
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(Least))];
    }

    /// <summary>Reals in [−1, 1].</summary>
    public static float[] Reals(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    private static double Time(Action run)
    {
        var times = new List<double>();
        long end = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
        for (int i = -10; i < 30 || Stopwatch.GetTimestamp() < end; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return Median(times);
    }

    public static double Peer(string file, int batch, int threads)
        => PeerProcess.Node("ort-bench.mjs", Path.GetFullPath(file), "--threads", Text(threads, "0"), "--dims", FormattableString.Invariant($"batch={batch},seq={Sequence}"), "--runs", "30", "--seconds", "1")
            .GetProperty("median_ms").GetDouble();

    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
