using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Where the time of a network goes: each step of the packed program, the least of many runs, and their sum against the least whole run.</summary>
internal static class StepsCommand
{
    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("steps: the model is missing.");
            return 1;
        }

        int threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        int batch = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
        ModelDocument document = NetworksCommand.Document(args[0], args.Length > 3);
        using PackedProgram program = Packer.Pack(document.Graph, document.Signature, QuantizedModel.Chooser(null));
        LatencyPrediction prediction = LatencyPredictor.Predict(program, batch, threads, ThroughputTable.Current);
        Print(program, batch, StepTimes.Least(program, threads, batch), [.. prediction.Steps.Select(s => s.Milliseconds)]);
        return 0;
    }

    private static void Print(PackedProgram program, int batch, StepTimes measured, double[] predicted)
    {
        double[] times = measured.Steps;
        double total = times.Sum();
        var table = new Table("layer", "step", "kernels", "geometry", "ms", "%", "GOP/s", "predicted, ms");
        Dictionary<string, Node> nodes = program.Graph.Nodes.GroupBy(n => n.Name).ToDictionary(g => g.Key, g => g.First());
        var context = new BindContext(program.Graph, batch, program.Kernels, new ThreadSplit(1));
        for (int i = 0; i < times.Length; i++)
        {
            PackedStep step = program.Steps[i];
            (string geometry, double operations) = nodes.TryGetValue(step.Layer, out Node? node) ? Work(context, program.Graph, node) : (string.Empty, 0);
            table.Add(step.Layer, step.Operation, step.Kernels!.Name, geometry, Text(times[i], "0.0000"), Text(times[i] / total * 100, "0.0"), operations == 0 ? string.Empty : Text(operations / times[i] * 1e-6, "0"), Text(predicted[i], "0.0000"));
        }

        table.Add("sum of steps", string.Empty, string.Empty, string.Empty, Text(total, "0.0000"), "100", string.Empty, Text(predicted.Sum(), "0.0000"));
        table.Add("whole runs", string.Empty, string.Empty, string.Empty, Text(measured.Whole, "0.0000"), Text(measured.Whole / total * 100, "0.0"), string.Empty, string.Empty);
    }

    // Operations: two for each product.
    private static (string Geometry, double Operations) Work(BindContext context, Graph graph, Node node)
    {
        Shape output = context.ShapeOf(node.Output);
        if (node.Inputs.Length < 2 || graph[node.Inputs[1]].Constant is not { } weights || weights.Shape.Rank < 2)
        {
            return (output.ToString(), 0);
        }

        return ($"{context.ShapeOf(node.Inputs[0])} * {weights.Shape} = {output}", 2.0 * output.Count * weights.Shape.CountOf(1, weights.Shape.Rank));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
