using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Latency and memory against batch, image size and depth: tables, the fitted lines, where they bend and why, and a picture.</summary>
internal static class ScalingCommand
{
    private const double Knee = 0.1;
    private const int PixelsOfATile = 24;

    /// <summary>scaling [MILLISECONDS]: time for each of 36 points.</summary>
    public static int Run(string[] args)
    {
        int budget = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 2500;
        var report = new Report("scaling", "Latency and memory against size", "scaling");
        report.Add($"One thread; the time of a run is the least whole run of many or the sum of its steps' least times, whichever is less, for other work on the machine interrupts long runs. Networks of random weights, lowered with stand-in ranges. Caches: {CacheSizes.Text}. The line is fitted by least squares of relative errors; a point more than {Knee:P0} off the line is told with what changes there: where the values of a run (arena), what the largest step touches, and the packed weights fit, and how many pixels the smallest convolution has (fewer than {PixelsOfATile} do not fill the register tiles).");
        var panels = new List<(string, string, IReadOnlyList<ScalingLine>)>();
        foreach ((string key, string title, string axis, IReadOnlyList<(double X, int Batch, Graph Graph)> points) in Series())
        {
            ScalingLine[] lines = [Line("8 bits", points, QuantizationScheme.EightBits, budget), Line("float", points, null, budget)];
            panels.Add((title, axis, lines));
            report.Add($"## {title}");
            foreach (ScalingLine line in lines)
            {
                report.Add($"{line.Name}: {Text(line.Start, "0.000")} ms + {Text(line.Slope * 1000, "0.000")} µs · {axis}; the farthest point lies {Text(Enumerable.Range(0, line.Points.Count).Max(i => Math.Abs(line.Above(i))) * 100, "0")} % off.");
                report.Add(key + " " + line.Name, Table(line, axis));
            }
        }

        report.Add("![Latency against batch, pixels and depth](scaling.svg)");
        report.Write();
        Machine.WriteResult("scaling.svg", ScalingPicture.Draw(panels));
        return 0;
    }

    private static IEnumerable<(string Key, string Title, string Axis, IReadOnlyList<(double X, int Batch, Graph Graph)> Points)> Series()
    {
        Shape small = Shape.Of(3, 32, 32);
        Graph twenty = Networks.SmallNetworks.ResNet(20, small);
        yield return ("batch", "ResNet-20, 32 x 32: batch", "rows", [.. new[] { 1, 2, 4, 8, 16, 32, 64 }.Select(b => ((double)b, b, twenty))]);
        yield return ("image", "ResNet-18: image size", "pixels", [.. new[] { 64, 96, 128, 160, 192, 224, 256 }.Select(s => ((double)s * s, 1, ImageNetworks.ResNet18(Shape.Of(3, s, s))))]);
        yield return ("depth", "ResNet-8 to 32, 32 x 32: depth", "layers", [.. new[] { 8, 14, 20, 32 }.Select(d => ((double)d, 1, Networks.SmallNetworks.ResNet(d, small)))]);
    }

    private static ScalingLine Line(string name, IReadOnlyList<(double X, int Batch, Graph Graph)> points, QuantizationScheme? scheme, int budget)
    {
        var found = new List<ScalingPoint>();
        foreach ((double x, int batch, Graph graph) in points)
        {
            Graph clean = PostTrainingQuantizer.Clean(graph);
            Graph run = scheme is null ? clean : LatencyPredictor.Lower(clean, scheme);
            using PackedProgram program = Packer.Pack(run, ModelSignature.Of(run), QuantizedModel.Chooser(null));
            found.Add(Point(x, batch, program, budget));
            Console.WriteLine($"{name}, {x}: {found[^1].Milliseconds:0.000} ms");
        }

        return new ScalingLine(name, found);
    }

    private static ScalingPoint Point(double x, int batch, PackedProgram program, int budget)
    {
        StepTimes times = StepTimes.Least(program, 1, batch, budget);
        long Touched(PackedStep step) => step.Facts.WeightBytes + step.Reads.Concat(step.Writes).Sum(slot => program.Slots[slot].Bytes(batch));
        long arena = new BoundProgram(program, batch, new ThreadSplit(1), long.MaxValue).Memory.TotalBytes;
        int pixels = times.Works.Where(w => w.Operation is KernelOperation.ConvolutionByte or KernelOperation.ConvolutionFloat && w.Taps > 1).Select(w => w.Pixels).DefaultIfEmpty(0).Min();
        return new ScalingPoint(x, Math.Min(times.Whole, times.Steps.Sum()), arena, program.WeightBytes, program.Steps.Max(Touched), pixels);
    }

    private static QuietTable Table(ScalingLine line, string axis)
    {
        var table = new QuietTable(axis, "ms", "µs a unit", "off the line, %", "arena, KiB", "fits in", "largest step, KiB", "fits", "packed weights, KiB", "fit", "smallest convolution, pixels", "what bends");
        for (int i = 0; i < line.Points.Count; i++)
        {
            ScalingPoint p = line.Points[i];
            table.Add(
                Text(p.X, "0"),
                Text(p.Milliseconds, "0.0000"),
                Text(p.Milliseconds / p.X * 1000, "0.000"),
                Text(line.Above(i) * 100, "+0;-0;0"),
                Text(p.ArenaBytes / 1024.0, "0"),
                CacheSizes.Holding(p.ArenaBytes),
                Text(p.StepBytes / 1024.0, "0"),
                CacheSizes.Holding(p.StepBytes),
                Text(p.WeightBytes / 1024.0, "0"),
                CacheSizes.Holding(p.WeightBytes),
                Text(p.FewestPixels, "0"),
                Math.Abs(line.Above(i)) > Knee ? Cause(line, i) : string.Empty);
        }

        return table;
    }

    /// <summary>What differs between a point off the line and the next one on it; "not explained by sizes" where none does.</summary>
    private static string Cause(ScalingLine line, int index)
    {
        int other = Enumerable.Range(0, line.Points.Count).OrderBy(i => Math.Abs(line.Above(i))).First();
        (ScalingPoint p, ScalingPoint q) = (line.Points[index], line.Points[other]);
        List<string> causes = [];
        AddMove(causes, "arena", p.ArenaBytes, q.ArenaBytes);
        AddMove(causes, "largest step", p.StepBytes, q.StepBytes);
        AddMove(causes, "weights", p.WeightBytes, q.WeightBytes);
        if (p.FewestPixels < PixelsOfATile && q.FewestPixels > p.FewestPixels)
        {
            causes.Add(string.Create(CultureInfo.InvariantCulture, $"tiles of {p.FewestPixels} pixels, there {q.FewestPixels}"));
        }

        return causes.Count == 0 ? "not explained by sizes" : string.Create(CultureInfo.InvariantCulture, $"against {q.X}: ") + string.Join("; ", causes);
    }

    private static void AddMove(List<string> causes, string what, long bytes, long other)
    {
        if (CacheSizes.Holding(bytes) != CacheSizes.Holding(other))
        {
            causes.Add($"{what} in {CacheSizes.Holding(bytes)}, there {CacheSizes.Holding(other)}");
        }
    }
}
