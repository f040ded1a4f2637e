using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Makes operands for the kernels of one set and times them.</summary>
internal sealed class KernelRunner(KernelSet set)
{
    private static readonly (int SourceBits, PlaneKind Weights, int WeightBits)[] _planeForms =
    [
        .. new[] { 1, 2 }.SelectMany(_ => new[] { (PlaneKind.MidRise, 1), (PlaneKind.MidRise, 2), (PlaneKind.Unsigned, 1), (PlaneKind.Signed, 2), (PlaneKind.Ternary, 2) }, (bits, w) => (bits, w.Item1, w.Item2)),
    ];

    private readonly Random _random = new(1);

    /// <summary>Convolution or dense layer in bytes and in floats.</summary>
    public IEnumerable<ThroughputEntry> Convolution(ConvolutionGeometry g)
    {
        yield return Entry(KernelWork.Of(KernelOperation.ConvolutionByte, 8, g), ByteConvolution(g));
        PackedWeights packed = set.PackConvolutionFloat(g, Floats(g.OutChannels * g.Depth));
        (float[] x, float[] bias, var y) = (Floats((int)g.InLength), new float[g.OutChannels], new float[g.OutLength]);
        int tiles = set.CountConvolutionFloatTiles(g);
        yield return Entry(KernelWork.Of(KernelOperation.ConvolutionFloat, 32, g), () => set.ConvolutionFloat(g, x, packed, bias, 0, float.PositiveInfinity, y, 0, tiles));
        packed.Dispose();
    }

    /// <summary>A byte convolution to be run.</summary>
    public Action ByteConvolution(ConvolutionGeometry g)
    {
        PackedWeights packed = set.PackConvolutionByte(g, Signed(g.OutChannels * g.Depth));
        (byte[] x, var y, int tiles) = (Bytes((int)g.InLength), new byte[g.OutLength], set.CountConvolutionByteTiles(g));
        Parameters p = new(g.OutChannels);
        return () => set.ConvolutionByte(g, x, 3, packed, p.Epilogue, y, 0, tiles);
    }

    /// <summary>Layers over bit planes of 1 and 2 bits.</summary>
    public IEnumerable<ThroughputEntry> Planes(ConvolutionGeometry g)
    {
        foreach ((int sourceBits, PlaneKind weights, int weightBits) in _planeForms)
        {
            var planes = new PlaneGeometry(g, sourceBits == 1 ? PlaneKind.MidRise : PlaneKind.Unsigned, sourceBits, weights, weightBits);
            (int least, int most) = PlaneGeometry.CodesOf(weights, weightBits);
            using PackedWeights packed = set.PackConvolutionPlanes(planes, [.. Enumerable.Range(0, g.OutChannels * g.Depth).Select(_ => (sbyte)_random.Next(least, most + 1))]);
            uint[] x = [.. Enumerable.Range(0, (int)planes.InWords).Select(_ => (uint)_random.NextInt64())];
            (var y, int tiles, Parameters p) = (new byte[g.OutLength], set.CountConvolutionPlanesTiles(planes), new Parameters(g.OutChannels));
            yield return Entry(KernelWork.Of(planes), () => set.ConvolutionPlanes(planes, x, packed, new PlaneEpilogue { Integer = p.Epilogue }, y, 0, tiles));
        }
    }

    /// <summary>Depthwise convolution in bytes and in floats.</summary>
    public IEnumerable<ThroughputEntry> Depthwise(ConvolutionGeometry g)
    {
        int rows = g.Batch * g.OutHeight;
        Parameters p = new(g.OutChannels);
        (byte[] x, sbyte[] w, var y) = (Bytes((int)g.InLength), Signed(g.Taps * g.OutChannels), new byte[g.OutLength]);
        yield return Entry(KernelWork.Of(KernelOperation.DepthwiseByte, 8, g), () => set.DepthwiseByte(g, x, 3, w, p.Epilogue, y, 0, rows));
        (float[] fx, float[] fw, var fy) = (Floats(x.Length), Floats(w.Length), new float[y.Length]);
        yield return Entry(KernelWork.Of(KernelOperation.DepthwiseFloat, 32, g), () => set.DepthwiseFloat(g, fx, fw, p.Offsets, 0, float.PositiveInfinity, fy, 0, rows));
    }

    /// <summary>Dense layer over narrow weights.</summary>
    public ThroughputEntry Narrow(NarrowGeometry g)
    {
        (Action run, IDisposable weights) = NarrowLayer(g);
        using (weights)
        {
            return Entry(KernelWork.Of(g), run);
        }
    }

    /// <summary>A dense layer over narrow weights to be run, and its weights.</summary>
    public (Action Run, IDisposable Weights) NarrowLayer(NarrowGeometry g)
    {
        PackedWeights packed = set.PackDenseNarrow(g, [.. Enumerable.Range(0, g.Outputs * g.Inputs).Select(_ => (sbyte)_random.Next(1 << g.Bits))]);
        (byte[] x, var y, int tiles, Parameters p) = (Bytes(g.Rows * g.Inputs), new byte[g.Rows * g.Outputs], set.CountDenseNarrowTiles(g), new Parameters(g.Outputs));
        return (() => set.DenseNarrow(g, x, packed, p.Epilogue, y, 0, tiles), packed);
    }

    /// <summary>Dense layer with weights in groups, and the rows before it.</summary>
    public IEnumerable<ThroughputEntry> Grouped(GroupedGeometry g)
    {
        int least = -(1 << (g.Bits - 1));
        sbyte[] w = [.. Enumerable.Range(0, g.Outputs * g.Inputs).Select(_ => (sbyte)_random.Next(least, -least))];
        using PackedWeights packed = set.PackGroupedDense(g, w, Floats(g.Outputs * g.Groups));
        (float[] x, var codes, var sums, var scales) = (Floats(g.Rows * g.Inputs), new sbyte[g.Rows * g.RowStride], new int[g.Rows * g.Groups], new float[g.Rows]);
        (var bias, var y, int tiles) = (new float[g.Outputs], new float[g.OutLength], set.CountGroupedDenseTiles(g));
        var rows = KernelWork.Flat(KernelOperation.QuantizeRows, 8, x.Length, g.Inputs);
        yield return Entry(rows, () => set.QuantizeRows(g, x, codes, sums, scales, 0, g.Rows));
        yield return Entry(KernelWork.Of(g), () => set.GroupedDense(g, codes, sums, scales, packed, bias, 0, float.PositiveInfinity, y, 0, tiles));
    }

    /// <summary>Largest values and means of windows.</summary>
    public IEnumerable<ThroughputEntry> Pool(ConvolutionGeometry g)
    {
        int rows = g.Batch * g.OutHeight;
        (byte[] x, var y, float[] fx, var fy) = (Bytes((int)g.InLength), new byte[g.OutLength], Floats((int)g.InLength), new float[g.OutLength]);
        yield return Entry(KernelWork.Of(KernelOperation.MaxPoolByte, 8, g), () => set.MaxPoolByte(g, x, y, 0, rows));
        (var sx, var sy) = (new short[g.InLength], new short[g.OutLength]);
        yield return Entry(KernelWork.Of(KernelOperation.MaxPoolWide, 16, g), () => set.MaxPoolWide(g, short.MinValue, sx, sy, 0, rows));
        yield return Entry(KernelWork.Of(KernelOperation.MaxPoolFloat, 8, g), () => set.MaxPoolFloat(g, fx, fy, 0, rows));
        yield return Entry(KernelWork.Of(KernelOperation.AveragePoolByte, 8, g), () => set.AveragePoolByte(g, false, x, 3, 1, 3, 0, 255, y, 0, rows));
        yield return Entry(KernelWork.Of(KernelOperation.AveragePoolFloat, 8, g), () => set.AveragePoolFloat(g, false, fx, fy, 0, rows));
    }

    /// <summary>Mean over all pixels.</summary>
    public ThroughputEntry GlobalAverage(int channels, int pixels)
    {
        (float[] x, var y) = (Floats(channels * pixels), new float[channels]);
        return Entry(KernelWork.Flat(KernelOperation.GlobalAverageFloat, 8, x.Length, channels), () => set.GlobalAverageFloat(1, pixels, channels, x, y));
    }

    /// <summary>Element-wise kernels on so many values.</summary>
    public IEnumerable<ThroughputEntry> Flat(int count)
    {
        (float[] f, float[] g, var h) = (Floats(count), Floats(count), new float[count]);
        (byte[] a, byte[] b, var c, byte[] table) = (Bytes(count), Bytes(count), new byte[count], Bytes(256));
        (KernelOperation Operation, Action Run)[] all =
        [
            (KernelOperation.QuantizeFloat, () => set.QuantizeFloat(f, 0.01f, 3, 0, 255, c)),
            (KernelOperation.DequantizeByte, () => set.DequantizeByte(a, 0.01f, 3, h)),
            (KernelOperation.TranslateByte, () => set.TranslateByte(a, table, c)),
            (KernelOperation.AddByte, () => set.AddByte(a, 3, 0.5f, b, 3, 0.5f, 3, 0, 255, c)),
            (KernelOperation.AddFloat, () => set.AddFloat(f, g, 0, float.PositiveInfinity, h)),
            (KernelOperation.ClampFloat, () => set.ClampFloat(f, 0, 6, h)),
        ];
        return all.Select(o => Entry(KernelWork.Flat(o.Operation, 8, count), o.Run));
    }

    private ThroughputEntry Entry(KernelWork work, Action run) => new(set.Name, work, KernelTimer.Least(run));

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private sbyte[] Signed(int count) => Array.ConvertAll(Bytes(count), b => (sbyte)Math.Max((int)(sbyte)b, -127));

    private float[] Floats(int count) => Array.ConvertAll(Bytes(count), b => (b - 127) / 128f);

    private sealed class Parameters(int channels)
    {
        private readonly int[] _bias = new int[channels];
        private readonly float[] _multipliers = [.. Enumerable.Repeat(1e-4f, channels)];

        public float[] Offsets { get; } = new float[channels];

        public IntegerEpilogue Epilogue => new() { Bias = _bias, Multipliers = _multipliers, Offsets = Offsets, Output = AccumulatorOutput.UInt8, Maximum = 255 };
    }
}
