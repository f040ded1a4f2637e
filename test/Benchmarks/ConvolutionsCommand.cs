using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.Quantization.Kernels;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Chains of eight 3x3 convolutions, 8 bits and 1 bit, against ONNX Runtime on the files of peers/make_models.py; one thread, alternating.</summary>
internal static class ConvolutionsCommand
{
    private const int Layers = 8;

    private static readonly Shape[] _shapes =
    [
        new("conv64x56", 64, 56, 0.93, 17, 4.6),
        new("conv128x28", 128, 28, 0.93, 19, 5.2),
        new("conv256x14", 256, 14, 0.89, 19, 5.2),
        new("conv512x7", 512, 7, 0.76, 19, 5.2),
    ];

    /// <summary>convolutions MODEL_DIR [ROUNDS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !_shapes.All(s => File.Exists(Path.Combine(args[0], s.Name + ".u8s8.onnx"))))
        {
            Console.Error.WriteLine($"convolutions MODEL_DIR [ROUNDS]: expected the files of '{string.Join(' ', _shapes.Select(s => s.Name))}' in MODEL_DIR; make them with peers/make_models.py.");
            return 1;
        }

        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 6;
        var bytes = new Table("layer", "ours int8, ms", "GOP/s", "ONNX Runtime int8, ms", "ours : ONNX Runtime", "bar", "least times: ours, ms", "ONNX Runtime, ms", "ours : ONNX Runtime, least");
        var bits = new Table("layer", "1 x 1 bit, ms", "GOP/s", "ONNX Runtime float, ms", "float : 1 bit", "bar", "int8 : 1 bit", "bar of int8", "loop in C#, ms", "loop : 1 bit");
        foreach (Shape shape in _shapes)
        {
            Measure(shape, args[0], rounds, bytes, bits);
        }

        var report = new Report("convolutions", "Convolutions against ONNX Runtime 1.30", $"convolutions MODELS {rounds}");
        report.Add($"3 x 3 convolutions, stride 1, as many channels out as in; chains of {Layers}, so that what stands at the ends counts little; a figure is the time of the chain divided by {Layers}. One thread. Times and ratios are medians of {rounds} alternating rounds, a round being the median of runs of 0.4 s on both sides and its ratio that of the two; a ratio need not be that of the times beside it. Least times are those of all runs of all rounds: the peer's move more from run to run than ours, and what moves them is not its kernels alone. GOP/s count a multiplication and an addition each, those in padding, too.");
        report.Add("8 bits: the same QDQ file (u8s8) on both sides, float in and out, through `QuantizedModel.Run`.");
        report.Add("int8", bytes);
        report.Add("1 bit: planes in, signs out (one threshold a channel), layer upon layer, the kernels alone; the peer has no such layers and runs the same shapes in float and in 8 bits. The loop has six nested loops over floats and no vectors.");
        report.Add("bits", bits);
        report.Write();
        return 0;
    }

    private static void Measure(Shape shape, string folder, int rounds, Table bytes, Table bits)
    {
        string file = Path.Combine(folder, shape.Name + ".u8s8.onnx");
        using var model = QuantizedModel.FromDocument(NetworksCommand.Document(file), new QuantizedModelOptions { ThreadCount = 1 });
        float[] x = NetworksCommand.Reals((int)shape.Geometry.InLength), y = new float[shape.Geometry.OutLength];
        Action signs = Signs(shape.Geometry);
        var all = new List<Round>();
        for (int i = 0; i < rounds; i++)
        {
            all.Add(new Round(Peer(file), Milliseconds(() => model.Run(x, y)), Peer(Path.Combine(folder, shape.Name + ".onnx")), Milliseconds(signs)));
        }

        double Of(Func<Round, double> of) => NetworksCommand.Median([.. all.Select(of)]);
        (double bytesRatio, double realRatio, double peerRatio) = (Of(r => r.Ours.Median / r.Peer.Median), Of(r => r.Real.Median / r.Sign.Median), Of(r => r.Peer.Median / r.Sign.Median));
        (double ours, double sign) = (Of(r => r.Ours.Median), Of(r => r.Sign.Median));
        (double least, double leastPeer) = (all.Min(r => r.Ours.Least), all.Min(r => r.Peer.Least));
        double loop = Loop(shape.Geometry);
        double operations = 2e-6 * shape.Geometry.OutLength * shape.Geometry.Depth;
        string name = string.Create(CultureInfo.InvariantCulture, $"{shape.Channels} channels, {shape.Size}x{shape.Size}");
        bytes.Add(name, Text(ours, "0.0000"), Text(operations / ours, "0"), Text(Of(r => r.Peer.Median), "0.0000"), Text(bytesRatio, "0.00"), AtMost(bytesRatio, shape.Int8Bar), Text(least, "0.0000"), Text(leastPeer, "0.0000"), Text(least / leastPeer, "0.00"));
        bits.Add(name, Text(sign, "0.0000"), Text(operations / sign, "0"), Text(Of(r => r.Real.Median), "0.0000"), Text(realRatio, "0.0"), AtLeast(realRatio, shape.FloatBar), Text(peerRatio, "0.0"), AtLeast(peerRatio, shape.BitBar), Text(loop, "0.0"), Text(loop / sign, "0"));
    }

    private static Times Peer(string file)
    {
        JsonElement found = PeerProcess.Node("ort-bench.mjs", Path.GetFullPath(file), "--threads", "1", "--runs", "40", "--seconds", "0.4");
        return new Times(found.GetProperty("median_ms").GetDouble() / Layers, found.GetProperty("min_ms").GetDouble() / Layers);
    }

    private static Times Milliseconds(Action chain)
    {
        (double median, double least) = KernelTimer.Runs(chain, 4e8);
        return new Times(median * 1e-6 / Layers, least * 1e-6 / Layers);
    }

    /// <summary>Layers of 1 x 1 bit, the planes of one being the source of the next.</summary>
    private static Action Signs(ConvolutionGeometry g)
    {
        KernelSet set = KernelRegistry.Active;
        PlaneGeometry planes = new(g, PlaneKind.MidRise, 1, PlaneKind.MidRise, 1);
        (int least, int most) = PlaneGeometry.CodesOf(PlaneKind.MidRise, 1);
        var random = new Random(1);
        PackedWeights[] weights = [.. Enumerable.Range(0, Layers).Select(_ => set.PackConvolutionPlanes(planes, [.. Enumerable.Range(0, g.OutChannels * g.Depth).Select(_ => (sbyte)random.Next(least, most + 1))]))];
        byte[][] values = [.. Enumerable.Range(0, Layers + 1).Select(_ => new byte[PlaneLayout.Length(g.OutPixels, g.OutChannels, 1) * sizeof(uint)])];
        random.NextBytes(values[0]);
        int[] bias = new int[g.OutChannels];
        int[] thresholds = [.. Enumerable.Range(0, g.OutChannels).Select(_ => random.Next(-20, 20))];
        int tiles = set.CountConvolutionPlanesTiles(planes);
        return () =>
        {
            for (int i = 0; i < Layers; i++)
            {
                PlaneEpilogue epilogue = new() { Integer = new() { Bias = bias }, Thresholds = new() { Count = 1, Values = thresholds, PlaneBits = 1 } };
                set.ConvolutionPlanes(planes, MemoryMarshal.Cast<byte, uint>(values[i]), weights[i], epilogue, values[i + 1], 0, tiles);
            }
        };
    }

    /// <summary>One layer of floats in plain loops, in ms.</summary>
    private static double Loop(ConvolutionGeometry g)
    {
        float[] x = NetworksCommand.Reals((int)g.InLength), w = NetworksCommand.Reals(g.OutChannels * g.Depth), y = new float[g.OutLength];
        return KernelTimer.Least(() => PlainConvolution(g, x, w, y), 0) * 1e-6;
    }

    private static void PlainConvolution(in ConvolutionGeometry g, float[] x, float[] w, float[] y)
    {
        for (int o = 0; o < g.OutChannels; o++)
        {
            for (int row = 0; row < g.OutHeight; row++)
            {
                for (int column = 0; column < g.OutWidth; column++)
                {
                    y[(((row * g.OutWidth) + column) * g.OutChannels) + o] = PlainSum(g, x, w, o, row - g.PadHeight, column - g.PadWidth);
                }
            }
        }
    }

    private static float PlainSum(in ConvolutionGeometry g, float[] x, float[] w, int output, int top, int left)
    {
        float sum = 0;
        for (int tap = 0; tap < g.Taps; tap++)
        {
            (int row, int column) = (top + (tap / g.KernelWidth), left + (tap % g.KernelWidth));
            if (row >= 0 && row < g.InHeight && column >= 0 && column < g.InWidth)
            {
                int from = ((row * g.InWidth) + column) * g.InChannels;
                int weight = ((output * g.Taps) + tap) * g.InChannels;
                for (int c = 0; c < g.InChannels; c++)
                {
                    sum += x[from + c] * w[weight + c];
                }
            }
        }

        return sum;
    }

    /// <summary>Of the runs of one round, in ms a layer.</summary>
    private sealed record Times(double Median, double Least);

    private sealed record Round(Times Peer, Times Ours, Times Real, Times Sign);

    private sealed record Shape(string Name, int Channels, int Size, double Int8Bar, double FloatBar, double BitBar)
    {
        public ConvolutionGeometry Geometry { get; } = PlanesTable.Image(Channels, Size);
    }
}
