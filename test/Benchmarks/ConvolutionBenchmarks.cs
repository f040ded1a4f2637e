using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Attributes;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>3x3 convolutions, stride 1, and a dense layer: float and byte, every kernel set, one thread. 231 million operations (two a product) each but the dense one.</summary>
public class ConvolutionBenchmarks
{
    private static readonly Dictionary<string, (int Channels, int Size)> _shapes = new(StringComparer.Ordinal)
    {
        ["64x56x56"] = (64, 56),
        ["128x28x28"] = (128, 28),
        ["256x14x14"] = (256, 14),
        ["512x7x7"] = (512, 7),
    };

    private KernelSet _kernels = KernelRegistry.Active;
    private ConvolutionGeometry _geometry;
    private float[] _floats = [];
    private byte[] _bytes = [];
    private PackedWeights? _floatWeights;
    private PackedWeights? _byteWeights;
    private float[] _floatOutput = [];
    private byte[] _byteOutput = [];

    /// <summary>The kernel sets of this machine.</summary>
    public static IEnumerable<string> Sets => KernelRegistry.Available.Select(k => k.Name);

    /// <summary>The shapes.</summary>
    public static IEnumerable<string> Shapes => _shapes.Keys;

    /// <summary>The kernel set.</summary>
    [ParamsSource(nameof(Sets))]
    public string Set { get; set; } = string.Empty;

    /// <summary>Channels, height and width.</summary>
    [ParamsSource(nameof(Shapes))]
    public string Shape { get; set; } = string.Empty;

    /// <summary>Makes operands and packs weights.</summary>
    [GlobalSetup]
    public void Setup()
    {
        (int channels, int size) = _shapes[Shape];
        _kernels = KernelRegistry.Available.First(k => k.Name == Set);
        _geometry = ConvolutionGeometry.Dense(1, channels, channels) with
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
        var random = new Random(1);
        _floats = [.. Enumerable.Range(0, (int)_geometry.InLength).Select(_ => random.NextSingle())];
        _bytes = Array.ConvertAll(_floats, f => (byte)(f * 255));
        int weights = channels * _geometry.Depth;
        _floatWeights = _kernels.PackConvolutionFloat(_geometry, [.. Enumerable.Range(0, weights).Select(_ => random.NextSingle() - 0.5f)]);
        _byteWeights = _kernels.PackConvolutionByte(_geometry, [.. Enumerable.Range(0, weights).Select(_ => (sbyte)random.Next(-127, 128))]);
        _floatOutput = new float[_geometry.OutLength];
        _byteOutput = new byte[_geometry.OutLength];
    }

    /// <summary>Float convolution.</summary>
    [Benchmark]
    public void Float() => _kernels.ConvolutionFloat(
        _geometry, _floats, _floatWeights!, new float[_geometry.OutChannels], 0, float.PositiveInfinity, _floatOutput, 0, _kernels.CountConvolutionFloatTiles(_geometry));

    /// <summary>Byte convolution with requantized byte output.</summary>
    [Benchmark]
    public void Byte()
    {
        var epilogue = new IntegerEpilogue
        {
            Bias = new int[_geometry.OutChannels],
            Multipliers = [.. Enumerable.Repeat(1e-4f, _geometry.OutChannels)],
            Offsets = new float[_geometry.OutChannels],
            Output = AccumulatorOutput.UInt8,
            Maximum = 255,
        };
        _kernels.ConvolutionByte(_geometry, _bytes, 0, _byteWeights!, epilogue, _byteOutput, 0, _kernels.CountConvolutionByteTiles(_geometry));
    }
}
