using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Rows like Fashion-MNIST's, made from a seed.</summary>
internal static class Rows
{
    public static string Network(string name) => Path.Combine(AppContext.BaseDirectory, "data", "models", name);

    public static List<PixelRow> Floats(int count, ulong seed = 5) => [.. Enumerable.Range(0, count).Select(r => new PixelRow
    {
        Pixels = Pixels(r, seed),
        Label = (uint)(r % 10),
        Name = "row " + r,
    })];

    public static List<ByteRow> Bytes(int count, ulong seed = 5) => [.. Enumerable.Range(0, count).Select(r => new ByteRow
    {
        Pixels = Array.ConvertAll(Pixels(r, seed), p => (byte)(p * 255)),
    })];

    public static MLContext Context() => new(seed: 1);

    private static float[] Pixels(int row, ulong seed)
    {
        var random = new CounterRandom(seed, (ulong)row);
        return [.. Enumerable.Range(0, 784).Select(i => random.Uniform(i) < 0.5f ? 0 : random.Integer(1000 + i, 0, 255) / 255f)];
    }
}

/// <summary>A row of floats with columns that pass through.</summary>
public sealed class PixelRow
{
    [VectorType(784)]
    public float[] Pixels { get; set; } = [];

    [KeyType(10)]
    public uint Label { get; set; }

    public string Name { get; set; } = string.Empty;
}

/// <summary>A row of pixels as bytes.</summary>
public sealed class ByteRow
{
    [VectorType(784)]
    public byte[] Pixels { get; set; } = [];
}

/// <summary>A row of another length.</summary>
public sealed class ShortRow
{
    [VectorType(783)]
    public float[] Pixels { get; set; } = [];
}

/// <summary>What scoring adds.</summary>
public sealed class Scored
{
    [VectorType(10)]
    public float[] Score { get; set; } = [];

    public uint PredictedLabel { get; set; }

    public string Name { get; set; } = string.Empty;
}
