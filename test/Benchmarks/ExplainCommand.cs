using System;
using System.IO;
using System.Linq;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Whether the steps of <c>Explain(measure: true)</c> add up to the whole run that it measures beside them, over the networks of peers/make_models.py.</summary>
internal static class ExplainCommand
{
    private const int Rounds = 5;
    private const double Bar = 0.10;

    private static readonly string[] _models = ["resnet18.u8s8.onnx", "resnet50.u8s8.onnx", "mobilenetv2.u8s8.onnx", "vggsmall.u8s8.onnx", "alexnet.u8s8.onnx", "minilm.u8s8.onnx"];

    /// <summary>explain MODEL_DIR.</summary>
    public static int Run(string[] args)
    {
        string[] files = args.Length == 0 ? [] : [.. _models.Select(m => Path.Combine(args[0], m)).Where(File.Exists)];
        if (files.Length == 0)
        {
            Console.Error.WriteLine($"explain MODEL_DIR: expected some of {string.Join(", ", _models)} in MODEL_DIR; make them with peers/make_models.py.");
            return 1;
        }

        var table = new Table("model", "threads", "steps", "sum of steps, ms", "whole run, ms", "sum : whole", "bar");
        foreach (string file in files)
        {
            foreach (int threads in new[] { 1, 2 })
            {
                using var model = QuantizedModel.FromDocument(NetworksCommand.Document(file), new QuantizedModelOptions { ThreadCount = threads });
                Add(Path.GetFileName(file), threads, model, table);
            }
        }

        var report = new Report("explain", "Steps of a network beside the whole", "explain MODELS");
        report.Add($"`model.Explain(measure: true)` at batch 1, {Rounds} times; the median of the sums of the steps' medians, of the whole runs' medians, and of the ratios. The steps must sum to within {Bar:P0} of the whole: the clock between two steps and the threads that gather at each of them are in the sum, and not in the whole.");
        report.Add("explain", table);
        report.Write();
        return 0;
    }

    private static void Add(string name, int threads, QuantizedModel model, Table table)
    {
        ModelReport[] reports = [.. Enumerable.Range(0, Rounds).Select(_ => model.Explain(measure: true))];
        double Median(Func<ModelTiming, double> of) => NetworksCommand.Median([.. reports.Select(r => of(r.Timing!))]);
        double ratio = Median(t => t.Steps / t.Whole);
        table.Add(
            name,
            Text(threads, "0"),
            Text(reports[0].Steps.Length, "0"),
            Text(Median(t => t.Steps), "0.000"),
            Text(Median(t => t.Whole), "0.000"),
            Text(ratio, "0.00"),
            AtMost(Math.Abs(ratio - 1), Bar));
    }
}
