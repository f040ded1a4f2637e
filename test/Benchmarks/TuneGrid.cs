using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>The shapes that <see cref="TuneCommand"/> measures: widths, depths and map sizes that networks have, in steps of about two octaves or less.</summary>
internal static class TuneGrid
{
    private const double MostProducts = 260e6;
    private static readonly int[] _widths = [112, 56, 28, 14, 7];
    private static readonly KernelOperation[] _ofSteps = [KernelOperation.EntryByte, KernelOperation.EntryFloat, KernelOperation.Copy, KernelOperation.Transpose, KernelOperation.AveragePoolWide];

    /// <summary>What can be measured by itself.</summary>
    public static IReadOnlyDictionary<string, Func<KernelSet, IEnumerable<ThroughputEntry>>> Parts { get; } = new Dictionary<string, Func<KernelSet, IEnumerable<ThroughputEntry>>>(StringComparer.Ordinal)
    {
        ["convolutions"] = s => Convolutions().SelectMany(new KernelRunner(s).Convolution),
        ["planes"] = s => Convolutions().Where(HasPlanes).SelectMany(new KernelRunner(s).Planes),
        ["depthwise"] = s => Depthwise().SelectMany(new KernelRunner(s).Depthwise),
        ["narrow"] = s => Narrow().Select(new KernelRunner(s).Narrow),
        ["grouped"] = s => Grouped().SelectMany(new KernelRunner(s).Grouped),
        ["pools"] = s => Pools().SelectMany(new KernelRunner(s).Pool).Concat(new[] { (64, 49), (512, 49), (1280, 49), (64, 64) }.Select(p => new KernelRunner(s).GlobalAverage(p.Item1, p.Item2))),
        ["flat"] = s => new[] { 256, 2048, 16384, 131072, 1 << 20, 1 << 22 }.SelectMany(new KernelRunner(s).Flat),
        ["steps"] = Steps,
    };

    /// <summary>Steps of the engine that are no kernel calls, taken out of small networks.</summary>
    private static IEnumerable<ThroughputEntry> Steps(KernelSet set)
    {
        foreach ((int channels, int width) in new[] { (3, 224), (3, 32), (1, 28), (64, 28), (256, 7) })
        {
            var layers = new LayerBuilder(1);
            layers.Graph.AddOutput(layers.Convolution("convolution", layers.Input(Shape.Of(channels, width, width)), 16, 3, 1, hasBias: true));
            Graph graph = layers.Graph.Build();
            foreach (ThroughputEntry entry in Steps(set, graph).Concat(Steps(set, LatencyPredictor.Lower(graph, QuantizationScheme.EightBits))))
            {
                yield return entry;
            }
        }

        foreach (ThroughputEntry entry in new[] { (16, 28, 2), (64, 28, 2), (256, 14, 2), (64, 7, 7), (512, 7, 7) }.SelectMany(p => Steps(set, WidePool(p.Item1, p.Item2, p.Item3))).Where(e => e.Work.Operation == KernelOperation.AveragePoolWide))
        {
            yield return entry;
        }
    }

    private static IEnumerable<ThroughputEntry> Steps(KernelSet set, Graph run)
    {
        const int Milliseconds = 500;
        using PackedProgram program = Packer.Pack(run, ModelSignature.Of(run), set);
        StepTimes times = StepTimes.Least(program, 1, 1, Milliseconds);
        for (int i = 0; i < times.Works.Length; i++)
        {
            if (_ofSteps.Contains(times.Works[i].Operation))
            {
                yield return new ThroughputEntry(set.Name, times.Works[i], times.Steps[i] * 1e6);
            }
        }
    }

    /// <summary>Means over windows of 16-bit codes.</summary>
    private static Graph WidePool(int channels, int width, int kernel)
    {
        AffineQuantization wide = AffineQuantization.PerTensor(new CodeType(new BitWidth(16), Signed: true), new IntegerRange(-32767, 32767), new AffineParameters(0.001f, 0));
        var builder = new GraphBuilder();
        ValueId codes = builder.Add(new Quantize { Inputs = [builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, channels, width, width)))], Result = wide });
        var window = new Window { Kernel = [kernel, kernel], Strides = [kernel, kernel], Dilations = [1, 1], PadsBegin = [0, 0], PadsEnd = [0, 0] };
        builder.AddOutput(builder.Add(new Dequantize { Inputs = [builder.Add(new IntegerAveragePool { Inputs = [codes], Window = window, Multiplier = 1, Result = wide })] }));
        return builder.Build();
    }

    /// <summary>What weights that come from beyond the second-level cache cost more than others.</summary>
    public static double ColdNanosecondsPerByte(KernelSet set)
    {
        const int Inputs = 1024;
        const int Outputs = 384;
        const int Copies = 32;
        var runner = new KernelRunner(set);
        Action[] copies = [.. Enumerable.Range(0, Copies).Select(_ => runner.ByteConvolution(ConvolutionGeometry.Dense(1, Inputs, Outputs)))];
        double hot = KernelTimer.Least(copies[0]);
        double cold = KernelTimer.Least(() => Array.ForEach(copies, c => c())) / Copies;
        return Math.Max(cold - hot, 0) / (Inputs * Outputs);
    }

    /// <summary>What weights that come from memory cost, and what they cost more than those from the last-level cache.</summary>
    public static (double Whole, double More) MemoryNanosecondsPerByte(KernelSet set)
    {
        const int Size = 3072;
        const int Rounds = 9;
        Action layer = new KernelRunner(set).ByteConvolution(ConvolutionGeometry.Dense(1, Size, Size));
        double cached = KernelTimer.Least(layer);
        double evicted = Enumerable.Range(0, Rounds).Min(_ => KernelTimer.Evicted(layer));
        return (evicted / (Size * Size), Math.Max(evicted - cached, 0) / (Size * Size));
    }

    /// <summary>How many times as much all threads read from memory as one does.</summary>
    public static double MemoryThreads()
    {
        using var pool = new ClaimingPool(Environment.ProcessorCount);
        double one = KernelTimer.Least(KernelTimer.Walk);
        double all = KernelTimer.Least(() => pool.Run(Environment.ProcessorCount, 0, static (_, part) => KernelTimer.Walk(part, Environment.ProcessorCount)));
        return one / all;
    }

    /// <summary>The same for weights of 4 bits, a byte in memory.</summary>
    public static double NarrowMemoryNanosecondsPerByte(KernelSet set)
    {
        const int Size = 4096;
        const int Bits = 4;
        const int Rounds = 9;
        (Action layer, IDisposable weights) = new KernelRunner(set).NarrowLayer(new NarrowGeometry(1, Size, Size, Bits, 1));
        using (weights)
        {
            double cached = KernelTimer.Least(layer);
            double evicted = Enumerable.Range(0, Rounds).Min(_ => KernelTimer.Evicted(layer));
            return Math.Max(evicted - cached, 0) / (Size * Size * Bits / 8);
        }
    }

    private static ConvolutionGeometry[] Convolutions() => [.. Pointwise().Concat(Square()).Concat(Odd()).Concat(Dense()).Where(g => (double)g.OutLength * g.Depth <= MostProducts).Distinct()];

    // Layers of 1 and 2 bits stand between others: not first, not narrow.
    private static bool HasPlanes(ConvolutionGeometry g) => g.Groups == 1 && g.InChannels >= 32 && g.OutChannels >= 32 && g.Taps is 1 or 9 or 25;

    private static ConvolutionGeometry Convolution(int channels, int outputs, int kernel, int stride, int width, int batch = 1, int groups = 1) => ConvolutionGeometry.Dense(batch, channels, outputs) with
    {
        InHeight = width * stride,
        InWidth = width * stride,
        OutHeight = width,
        OutWidth = width,
        KernelHeight = kernel,
        KernelWidth = kernel,
        StrideHeight = stride,
        StrideWidth = stride,
        PadHeight = kernel / 2,
        PadWidth = kernel / 2,
        Groups = groups,
    };

    private static IEnumerable<ConvolutionGeometry> Pointwise()
    {
        int[] channels = [16, 64, 256, 1024];
        foreach ((int from, int to) in channels.SelectMany(c => channels, (c, o) => (c, o)).Concat([(24, 144), (144, 32), (96, 24), (576, 160), (32, 192)]))
        {
            foreach (int width in _widths.Where(w => from * to * w * w <= 110_000_000))
            {
                yield return Convolution(from, to, 1, 1, width);
            }

            yield return Convolution(from, to, 1, 1, 7, batch: 8);
        }

        yield return Convolution(64, 128, 1, 2, 28);
        yield return Convolution(256, 512, 1, 2, 7);
        yield return Convolution(16, 32, 1, 2, 14);
    }

    private static IEnumerable<ConvolutionGeometry> Square()
    {
        foreach (int channels in new[] { 16, 32, 64, 128, 256, 512 })
        {
            foreach (int width in _widths.Append(32))
            {
                yield return Convolution(channels, channels, 3, 1, width);
            }

            foreach (int width in new[] { 56, 28, 14, 7 })
            {
                yield return Convolution(channels / 2, channels, 3, 2, width);
            }

            yield return Convolution(channels, channels, 3, 1, 7, batch: 8);
            yield return Convolution(channels, channels * 2, 3, 1, 16);
        }
    }

    private static IEnumerable<ConvolutionGeometry> Odd() =>
    [
        Convolution(1, 16, 3, 1, 28),
        Convolution(1, 6, 5, 1, 28),
        Convolution(1, 6, 5, 1, 28, batch: 8),
        Convolution(6, 16, 5, 1, 10),
        Convolution(6, 16, 5, 1, 10, batch: 8),
        Convolution(1, 32, 5, 1, 28),
        Convolution(32, 64, 5, 1, 14),
        Convolution(32, 64, 5, 1, 14, batch: 8),
        Convolution(3, 16, 3, 1, 32),
        Convolution(3, 128, 3, 1, 32),
        Convolution(3, 32, 3, 2, 112),
        Convolution(3, 64, 7, 2, 112),
        Convolution(3, 64, 11, 4, 55),
        Convolution(64, 192, 5, 1, 27),
        Convolution(128, 128, 3, 1, 28, groups: 32),
        Convolution(256, 256, 3, 1, 14, groups: 4),
    ];

    private static IEnumerable<ConvolutionGeometry> Dense()
    {
        foreach (int rows in new[] { 1, 8, 64 })
        {
            foreach (int inputs in new[] { 64, 256, 784, 2048, 8192 })
            {
                foreach (int outputs in new[] { 10, 128, 1000, 4096 })
                {
                    yield return ConvolutionGeometry.Dense(rows, inputs, outputs);
                }
            }

            // Where narrow weights are measured, too.
            yield return ConvolutionGeometry.Dense(rows, 1024, 1024);
            yield return ConvolutionGeometry.Dense(rows, 4096, 4096);
        }
    }

    private static IEnumerable<ConvolutionGeometry> Depthwise()
    {
        foreach (int channels in new[] { 16, 32, 96, 144, 192, 384, 576, 960 })
        {
            foreach (int width in _widths.Where(w => channels * w * w <= 1_300_000))
            {
                yield return Convolution(channels, channels, 3, 1, width, groups: channels);
                yield return Convolution(channels, channels, 3, 2, width, groups: channels);
            }
        }

        yield return Convolution(192, 192, 3, 1, 28, batch: 8, groups: 192);
        yield return Convolution(576, 576, 3, 1, 14, batch: 8, groups: 576);
        yield return Convolution(96, 96, 5, 1, 28, groups: 96);
    }

    private static IEnumerable<NarrowGeometry> Narrow()
    {
        foreach (int bits in Enumerable.Range(1, 7))
        {
            foreach (int rows in new[] { 1, 4, 16 })
            {
                foreach ((int inputs, int outputs) in new[] { (64, 64), (256, 10), (256, 128), (784, 256), (2048, 1000), (1024, 1024), (4096, 4096) })
                {
                    yield return new NarrowGeometry(rows, inputs, outputs, bits, 1);
                }
            }
        }
    }

    private static IEnumerable<GroupedGeometry> Grouped()
    {
        foreach (int bits in new[] { 2, 4, 8 })
        {
            foreach (int rows in new[] { 1, 8, 128 })
            {
                foreach ((int inputs, int outputs) in new[] { (128, 10), (256, 128), (784, 256), (1024, 1024), (4096, 1024), (4096, 4096) })
                {
                    if ((double)rows * inputs * outputs <= MostProducts)
                    {
                        yield return new GroupedGeometry(rows, inputs, outputs, 32, bits);
                        yield return new GroupedGeometry(rows, inputs, outputs, 128, bits);
                    }
                }
            }
        }
    }

    private static IEnumerable<ConvolutionGeometry> Pools()
    {
        foreach ((int channels, int width) in new[] { (6, 14), (16, 5), (16, 14), (32, 14), (64, 7), (128, 16), (256, 8), (512, 4), (64, 56) })
        {
            yield return Convolution(channels, channels, 2, 2, width, groups: channels) with { PadHeight = 0, PadWidth = 0 };
        }

        // A batch whose values leave the first or the second cache.
        foreach ((int channels, int width) in new[] { (6, 14), (16, 5), (32, 14), (64, 28) })
        {
            yield return Convolution(channels, channels, 2, 2, width, batch: 8, groups: channels) with { PadHeight = 0, PadWidth = 0 };
        }

        yield return Convolution(64, 64, 3, 2, 56, groups: 64);
        yield return Convolution(64, 64, 3, 2, 56, batch: 8, groups: 64);
        yield return Convolution(192, 192, 3, 2, 13, groups: 192) with { PadHeight = 0, PadWidth = 0, InHeight = 27, InWidth = 27 };
        yield return Whole(64, 7);
        yield return Whole(512, 7);
        yield return Whole(1280, 7);
        yield return Whole(64, 8);
    }

    private static ConvolutionGeometry Whole(int channels, int width)
        => Convolution(channels, channels, width, 1, 1, groups: channels) with { PadHeight = 0, PadWidth = 0, InHeight = width, InWidth = width };
}
