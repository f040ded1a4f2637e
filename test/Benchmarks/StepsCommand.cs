using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Where the time of a network goes: each step of the packed program, the least of many runs, and their sum against the least whole run.</summary>
internal static unsafe class StepsCommand
{
    private const int Runs = 50;

    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("steps: the model is missing.");
            return 1;
        }

        int threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        ModelDocument document = args.Contains("--quantize") ? NetworksCommand.Quantized(args[0]) : NetworksCommand.Document(args[0]);
        using PackedProgram program = Packer.Pack(document.Graph, document.Signature, KernelRegistry.Active);
        WorkerPool pool = Pools.Create(threads);
        using var runner = new ProgramRunner(program, pool, long.MaxValue, ThreadSplit.DefaultChunk);
        (double[] steps, double whole) = Measure(runner, program);
        Print(program, steps, whole);
        Pools.Release(pool);
        return 0;
    }

    private static (double[] Steps, double Whole) Measure(ProgramRunner runner, PackedProgram program)
    {
        RunBuffers buffers = runner.Rent(1);
        int count = program.Signature.Inputs[0].Shape.Bind(1).Count;
        bool tokens = program.Signature.Inputs[0].Element == ElementType.Int64;
        Array input = tokens ? NetworksCommand.Tokens(count) : NetworksCommand.Reals(count);
        using var pin = new PinnedGCHandle<Array>(input);
        var output = new float[program.Signature.Outputs[0].Shape.Bind(1).Count];
        double[] best = [.. program.Steps.Select(_ => double.MaxValue)];
        double whole = double.MaxValue;
        fixed (float* y = output)
        {
            buffers.Inputs[0] = (nint)pin.GetAddressOfObjectData();
            buffers.Outputs[0] = (nint)y;
            for (int run = 0; run < Runs; run++)
            {
                long begin = Stopwatch.GetTimestamp();
                ProgramRunner.Execute(buffers);
                whole = Math.Min(whole, Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                for (int i = 0; i < best.Length; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    ProgramRunner.Execute(buffers, i);
                    best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }

        runner.Return(buffers);
        return (best, whole);
    }

    private static void Print(PackedProgram program, double[] times, double whole)
    {
        double total = times.Sum();
        var table = new Table("layer", "step", "geometry", "ms", "%", "GOP/s");
        Dictionary<string, Node> nodes = program.Graph.Nodes.GroupBy(n => n.Name).ToDictionary(g => g.Key, g => g.First());
        var context = new BindContext(program.Graph, 1, program.Kernels, new ThreadSplit(1));
        for (int i = 0; i < times.Length; i++)
        {
            PackedStep step = program.Steps[i];
            (string geometry, double operations) = nodes.TryGetValue(step.Layer, out Node? node) ? Work(context, program.Graph, node) : (string.Empty, 0);
            table.Add(step.Layer, step.Operation, geometry, Text(times[i], "0.0000"), Text(times[i] / total * 100, "0.0"), operations == 0 ? string.Empty : Text(operations / times[i] * 1e-6, "0"));
        }

        table.Add("sum of steps", string.Empty, string.Empty, Text(total, "0.0000"), "100", string.Empty);
        table.Add("whole runs", string.Empty, string.Empty, Text(whole, "0.0000"), Text(whole / total * 100, "0.0"), string.Empty);
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
