using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Layers whose weights are codes of 4 bits that look up 16 signed bytes, against the same layers with weights of 8 bits; one thread.</summary>
internal static class CodebookCommand
{
    private const int Rounds = 7;

    private static readonly (string Name, ConvolutionGeometry Geometry)[] _layers =
    [
        ("dense 4096 x 4096, 1 row", ConvolutionGeometry.Dense(1, 4096, 4096)),
        ("dense 4096 x 4096, 8 rows", ConvolutionGeometry.Dense(8, 4096, 4096)),
        ("dense 4096 x 4096, 128 rows", ConvolutionGeometry.Dense(128, 4096, 4096)),
        ("3x3, 64 channels, 56 x 56", Square(64, 56)),
        ("3x3, 256 channels, 14 x 14", Square(256, 14)),
        ("3x3, 512 channels, 7 x 7", Square(512, 7)),
    ];

    public static int Run(string[] args)
    {
        var table = new Table("set", "layer", "8 bits, ms", "codes, ms", "codes : 8 bits", "8 bits, KiB", "codes, KiB");
        foreach (KernelSet set in KernelRegistry.Available.Where(s => args.Length == 0 || args.Contains(s.Name)))
        {
            foreach ((string name, ConvolutionGeometry geometry) in _layers)
            {
                Measure(set, name, geometry, table);
            }
        }

        Machine.WriteResult("codebook.md", $"""
            # Weights as codes of 4 bits that look up 16 signed bytes

            `dotnet run -c Release --project test/Benchmarks -- codebook` on {Machine.Description}.
            One thread; least time of many runs, the median of {Rounds} alternating rounds.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static void Measure(KernelSet set, string name, ConvolutionGeometry g, Table table)
    {
        var random = new CounterRandom(3);
        int count = g.Depth * g.OutChannels;
        byte[] codes = [.. Enumerable.Range(0, count).Select(i => (byte)(random.Bits(i) & 15))];
        sbyte[] levels = [.. Enumerable.Range(0, g.OutChannels).SelectMany(_ => Enumerable.Range(0, 16).Select(i => (sbyte)((i * 16) - 120)))];
        using PackedWeights packed = set.PackConvolutionCodebook(g, codes, levels);
        using PackedWeights bytes = set.PackConvolutionByte(g, [.. codes.Select(c => levels[c])]);
        byte[] source = [.. Enumerable.Range(0, (int)g.InLength).Select(i => (byte)(random.Bits(i) >> 20))];
        int[] bias = new int[g.OutChannels];
        byte[] destination = new byte[g.OutLength * sizeof(int)];
        int tiles = set.CountConvolutionByteTiles(g);
        double Time(PackedWeights weights) => KernelTimer.Least(() => set.ConvolutionByte(g, source, 0, weights, new IntegerEpilogue { Bias = bias, Output = AccumulatorOutput.Int32 }, destination, 0, tiles)) / 1e6;
        var times = new List<(double Bytes, double Codes)>();
        for (int i = 0; i < Rounds; i++)
        {
            times.Add((Time(bytes), Time(packed)));
        }

        double plain = times.Select(t => t.Bytes).Order().ElementAt(Rounds / 2);
        double looked = times.Select(t => t.Codes).Order().ElementAt(Rounds / 2);
        table.Add(set.Name, name, Text(plain), Text(looked), (looked / plain).ToString("0.00", CultureInfo.InvariantCulture), Kib(bytes), Kib(packed));
    }

    private static ConvolutionGeometry Square(int channels, int size) => ConvolutionGeometry.Dense(1, channels, channels) with
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

    private static string Text(double milliseconds) => milliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Kib(PackedWeights weights) => (weights.ByteLength / 1024).ToString(CultureInfo.InvariantCulture);
}
