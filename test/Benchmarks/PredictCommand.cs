using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Predicted against measured latency. The prediction sees the float network and the scheme, never data, a fit or a run; measured is the same network lowered with stand-in ranges.</summary>
internal static class PredictCommand
{
    private const string Signed = "+0.0;-0.0;0.0";
    private static readonly string[] _files = ["resnet18.onnx", "resnet50.onnx", "mobilenetv2.onnx", "vggsmall.onnx", "alexnet.onnx", "minilm.onnx"];

    private static readonly (string Name, QuantizationScheme? Scheme)[] _schemes =
    [
        ("float", null),
        ("W8A8", QuantizationScheme.EightBits),
        ("W4A8", new QuantizationScheme { WeightBits = 4 }),
        ("W4 groups of 32", new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32 }),
    ];

    public static int Run(string[] args)
    {
        int most = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 2;
        int milliseconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2000;
        var table = new Table("network", "scheme", "batch", "threads", "predicted, ms", "whole runs, ms", "error, %", "sum of steps, ms", "error, %");
        (List<double> whole, List<double> steps, List<double> wholeSmall) = ([], [], []);
        string[] small = [.. SmallNetworks.Names];
        foreach (string name in small.Concat(args.Length > 0 ? _files.Where(f => File.Exists(Path.Combine(args[0], f))) : []))
        {
            Graph graph = PostTrainingQuantizer.Clean(small.Contains(name) ? SmallNetworks.Load(name) : OnnxModel.Load(Path.Combine(args[0], name), NetworksCommand.Import).Graph);
            foreach ((string scheme, QuantizationScheme? value) in _schemes.Where(s => s.Scheme?.WeightGranularity != Granularity.PerGroup || name.Contains("mlp", StringComparison.Ordinal)))
            {
                Graph run = value is null ? graph : LatencyPredictor.Lower(graph, value);
                foreach ((int batch, int threads) in new[] { (1, 1), (8, 1), (1, 2), (8, 2) }.Where(c => c.Item2 <= most))
                {
                    double predicted = LatencyPredictor.Predict(graph, value, batch, threads).Milliseconds;
                    using PackedProgram program = Packer.Pack(run, ModelSignature.Of(run), QuantizedModel.Chooser(null));
                    StepTimes measured = StepTimes.Least(program, threads, batch, milliseconds);
                    double sum = measured.Steps.Sum();
                    (double ofWhole, double ofSteps) = (Error(predicted, measured.Whole), Error(predicted, sum));
                    (small.Contains(name) ? wholeSmall : whole).Add(ofWhole);
                    steps.AddRange(small.Contains(name) ? [] : [ofSteps]);
                    table.Add(name, scheme, Text(batch, "0"), Text(threads, "0"), Text(predicted, "0.0000"), Text(measured.Whole, "0.0000"), Text(ofWhole, Signed), Text(sum, "0.0000"), Text(ofSteps, Signed));
                }
            }
        }

        string summary = $"Networks of MODELS ({whole.Count} rows) against whole runs: {Summary(whole)}; against the sum of steps: {Summary(steps)}. Small networks ({wholeSmall.Count} rows), against whole runs: {Summary(wholeSmall)}. Bars: median 15 %, worst 35 %.";
        Console.WriteLine(summary);
        Machine.WriteResult("predict.md", $"""
            # Predicted latency

            `dotnet run -c Release --project test/Benchmarks -- predict MODELS` on {Machine.Description}.
            Predicted from the float network, the scheme and the throughput table of this processor ({ThroughputTable.Current.Entries.Length} measurements); measured are the least whole run of many and the sum of the least times of the steps, which other work on the machine disturbs less.

            {summary}

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static double Error(double predicted, double measured) => (predicted - measured) / measured * 100;

    private static string Summary(List<double> errors)
    {
        double[] sorted = [.. errors.Select(Math.Abs).Order()];
        return sorted.Length == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"median error {sorted[sorted.Length / 2]:0.0} %, worst {sorted[^1]:0.0} %");
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
