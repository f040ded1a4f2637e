using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Numerics;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Layers over bit planes against this library's 8-bit and float layers of the same sizes and a loop over single words; one thread, the shortest of many runs.</summary>
internal static class PlanesTable
{
    private const int Rounds = 10;

    private static readonly (string Name, ConvolutionGeometry Geometry)[] _shapes =
    [
        ("3x3, 64 channels, 56x56", Image(64, 56)),
        ("3x3, 128 channels, 28x28", Image(128, 28)),
        ("3x3, 256 channels, 14x14", Image(256, 14)),
        ("3x3, 512 channels, 7x7", Image(512, 7)),
        ("1x1, 256 channels, 28x28", Image(256, 28) with { KernelHeight = 1, KernelWidth = 1, PadHeight = 0, PadWidth = 0 }),
        ("dense 1024 x 1024 x 1024", ConvolutionGeometry.Dense(1024, 1024, 1024)),
        ("dense, one row of 4096 x 4096", ConvolutionGeometry.Dense(1, 4096, 4096)),
    ];

    private static readonly (string Name, PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits)[] _pairings =
    [
        ("1 x 1 bit", PlaneKind.MidRise, 1, PlaneKind.MidRise, 1),
        ("2 x 1 bit", PlaneKind.Unsigned, 2, PlaneKind.MidRise, 1),
        ("1 bit x ternary", PlaneKind.MidRise, 1, PlaneKind.Ternary, 2),
        ("2 x 2 bits", PlaneKind.Unsigned, 2, PlaneKind.MidRise, 2),
    ];

    /// <summary>Signs times signs.</summary>
    public static (string Name, PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits) Signs => _pairings[0];

    public static int Run()
    {
        KernelSet active = KernelRegistry.Active;
        var rates = new Table("layer", "1 x 1 bit, ms", "GOP/s", "2 x 1 bit, GOP/s", "1 bit x ternary, GOP/s", "2 x 2 bits, GOP/s", "int8, GOP/s", "float, GOP/s", "1 bit : int8", "1 bit : float", "1 bit : loop of words");
        foreach ((string name, ConvolutionGeometry g) in _shapes)
        {
            double[] times = Best([.. _pairings.Select(p => Planes(active, g, p)), Bytes(active, g), Floats(active, g)]);
            double loop = Best([Naive(g)])[0];
            string[] found = [.. times.Select(t => Rate(g, t))];
            rates.Add([name, Text(times[0] * 1e3, "0.0000"), .. found, Ratio(times[4], times[0]), Ratio(times[5], times[0]), Ratio(loop, times[0])]);
        }

        var sets = new Table(["set", .. _shapes.Select(s => s.Name)]);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            sets.Add([set.Name, .. _shapes.Select(s => Rate(s.Geometry, Best([Planes(set, s.Geometry, _pairings[0])])[0]))]);
        }

        Machine.WriteResult("planes.md", $"""
            # Layers over bit planes

            `dotnet run -c Release --project test/Benchmarks -- kernels planes` on {Machine.Description}.
            One thread. Planes in, planes of one threshold (two bits: three) out; int8 and float as in the other kernel measurements. An operation is a multiplication or an
            addition of the layer, those in padding counted, too. The shortest of many runs; the kernels of a row run in turn, 40 ms each, ten times.

            {rates}
            1 x 1 bit, GOP/s, every kernel set:

            {sets}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    /// <summary>A 3x3 convolution, stride 1, as many channels out as in.</summary>
    public static ConvolutionGeometry Image(int channels, int size) => ConvolutionGeometry.Dense(1, channels, channels) with
    {
        InHeight = size,
        InWidth = size,
        OutHeight = size,
        OutWidth = size,
        KernelHeight = 3,
        KernelWidth = 3,
        PadHeight = 1,
        PadWidth = 1,
    };

    /// <summary>A layer over bit planes with thresholds.</summary>
    public static Action Planes(KernelSet set, ConvolutionGeometry g, (string Name, PlaneKind Source, int SourceBits, PlaneKind Weights, int WeightBits) p)
    {
        PlaneGeometry planes = new(g, p.Source, p.SourceBits, p.Weights, p.WeightBits);
        (int low, int high) = PlaneGeometry.CodesOf(p.Weights, p.WeightBits);
        var random = new Random(1);
        PackedWeights weights = set.PackConvolutionPlanes(planes, [.. Enumerable.Range(0, g.OutChannels * g.Depth).Select(_ => (sbyte)random.Next(low, high + 1))]);
        uint[] x = [.. Enumerable.Range(0, (int)planes.InWords).Select(_ => (uint)random.NextInt64(uint.MaxValue))];
        int count = (1 << p.SourceBits) - 1;
        int[] bias = new int[g.OutChannels];
        int[] thresholds = [.. Enumerable.Range(0, count * g.OutChannels).Select(_ => random.Next(-20, 20))];
        byte[] y = new byte[PlaneLayout.Length(g.OutPixels, g.OutChannels, p.SourceBits) * sizeof(uint)];
        int tiles = set.CountConvolutionPlanesTiles(planes);
        return () => set.ConvolutionPlanes(
            planes,
            x,
            weights,
            new PlaneEpilogue { Integer = new() { Bias = bias }, Thresholds = new() { Count = count, Values = thresholds, PlaneBits = p.SourceBits } },
            y,
            0,
            tiles);
    }

    /// <summary>A layer of 8 bits with weights of at most a magnitude.</summary>
    public static Action Bytes(KernelSet set, ConvolutionGeometry g, int most = 127)
    {
        var random = new Random(1);
        byte[] x = new byte[g.InLength], w = new byte[g.OutChannels * g.Depth], y = new byte[g.OutLength];
        random.NextBytes(x);
        random.NextBytes(w);
        g = g with { WeightBits = most <= ConvolutionGeometry.LargestSevenBitWeight ? 7 : 0 };
        PackedWeights weights = set.PackConvolutionByte(g, Array.ConvertAll(w, b => (sbyte)((sbyte)b % (most + 1))));
        int[] bias = new int[g.OutChannels];
        float[] multipliers = [.. Enumerable.Repeat(1e-4f, g.OutChannels)], offsets = new float[g.OutChannels];
        int tiles = set.CountConvolutionByteTiles(g);
        return () => set.ConvolutionByte(g, x, 0, weights, new IntegerEpilogue { Bias = bias, Multipliers = multipliers, Offsets = offsets, Maximum = 255 }, y, 0, tiles);
    }

    /// <summary>A layer of floats.</summary>
    public static Action Floats(KernelSet set, ConvolutionGeometry g)
    {
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, (int)g.InLength).Select(_ => random.NextSingle())], bias = new float[g.OutChannels], y = new float[g.OutLength];
        PackedWeights weights = set.PackConvolutionFloat(g, [.. Enumerable.Range(0, g.OutChannels * g.Depth).Select(_ => random.NextSingle() - 0.5f)]);
        int tiles = set.CountConvolutionFloatTiles(g);
        return () => set.ConvolutionFloat(g, x, weights, bias, 0, float.PositiveInfinity, y, 0, tiles);
    }

    /// <summary>The same products in plain loops: exclusive or and one population count a word of 32 channels.</summary>
    private static Action Naive(ConvolutionGeometry g)
    {
        int words = PlaneLayout.Words(g.InChannels);
        var random = new Random(1);
        uint[] x = [.. Enumerable.Range(0, (int)PlaneLayout.Length(g.Batch * g.InHeight * g.InWidth, g.InChannels, 1)).Select(_ => (uint)random.NextInt64(uint.MaxValue))];
        uint[] w = [.. Enumerable.Range(0, g.OutChannels * g.Taps * words).Select(_ => (uint)random.NextInt64(uint.MaxValue))];
        int[] y = new int[g.OutLength];
        return () =>
        {
            for (int i = 0; i < y.Length; i++)
            {
                (int pixel, int o) = Math.DivRem(i, g.OutChannels);
                y[i] = Differences(g, x, w.AsSpan(o * g.Taps * words, g.Taps * words), words, pixel);
            }
        };
    }

    private static int Differences(in ConvolutionGeometry g, uint[] x, ReadOnlySpan<uint> w, int words, int pixel)
    {
        int sum = 0;
        int image = pixel / (g.OutHeight * g.OutWidth);
        for (int tap = 0; tap < g.Taps; tap++)
        {
            int row = (pixel / g.OutWidth % g.OutHeight) - g.PadHeight + (tap / g.KernelWidth);
            int column = (pixel % g.OutWidth) - g.PadWidth + (tap % g.KernelWidth);
            if (row >= 0 && row < g.InHeight && column >= 0 && column < g.InWidth)
            {
                int at = ((((image * g.InHeight) + row) * g.InWidth) + column) * words;
                for (int i = 0; i < words; i++)
                {
                    sum += BitOperations.PopCount(x[at + i] ^ w[(tap * words) + i]);
                }
            }
        }

        return sum;
    }

    /// <summary>The shortest time of each action in seconds. The actions run in turn, each for a while, so that a bad moment of the machine hits all of them.</summary>
    public static double[] Best(Action[] actions, int rounds = Rounds)
    {
        double[] best = [.. actions.Select(_ => double.MaxValue)];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < actions.Length; i++)
            {
                long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 25);
                do
                {
                    long start = Stopwatch.GetTimestamp();
                    actions[i]();
                    best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
                while (Stopwatch.GetTimestamp() < end);
            }
        }

        return best;
    }

    private static string Rate(in ConvolutionGeometry g, double seconds) => Text(2e-9 * g.OutLength * g.Depth / seconds, "0");

    private static string Ratio(double slow, double quick) => Text(slow / quick, "0.0");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
