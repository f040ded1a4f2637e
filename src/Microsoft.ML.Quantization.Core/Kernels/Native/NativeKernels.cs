using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <summary>
/// The kernels of one instruction set in the native library; what it lacks is inherited from the managed set. Every length is
/// checked here, before a span is pinned: native code checks nothing.
/// </summary>
internal sealed unsafe partial class NativeKernels : ManagedKernels
{
    private readonly NativeTable _table;
    private readonly string _floatLayout;
    private readonly string _byteLayout;
    private readonly string _sevenLayout;
    private readonly string _groupedLayout;
    private readonly string _codebookLayout;

    /// <summary>Wraps a filled table.</summary>
    public NativeKernels(string name, string description, NativeTable table)
    {
        Name = name;
        Description = description;
        _table = table;
        _floatLayout = $"mlq/{name}/f32";
        _byteLayout = $"mlq/{name}/s8";
        _sevenLayout = $"mlq/{name}/s7";
        _groupedLayout = $"mlq/{name}/grouped";
        _codebookLayout = $"mlq/{name}/codebook";
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionFloat(in ConvolutionGeometry geometry)
    {
        NativeCheck.Geometry(in geometry);
        fixed (ConvolutionGeometry* g = &geometry)
        {
            return PackedWeights.Unset(_table.ConvolutionFloatPackedSize(g), _floatLayout);
        }
    }

    /// <inheritdoc/>
    public override void FillConvolutionFloat(in ConvolutionGeometry geometry, ReadOnlySpan<float> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        NativeCheck.Geometry(in geometry);
        KernelCheck.AtLeast(weights.Length, (long)geometry.OutChannels * geometry.Depth, nameof(weights));
        KernelCheck.Tiles(part, part + 1, parts);
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (float* w = weights)
        {
            KernelCheck.Weights(packed, _floatLayout, _table.ConvolutionFloatPackedSize(g));
            _table.ConvolutionFloatPack(g, w, (int)axes, packed.Pointer, part, parts);
        }

        GC.KeepAlive(packed);
    }

    /// <inheritdoc/>
    public override int CountConvolutionFloatTiles(in ConvolutionGeometry geometry)
    {
        NativeCheck.Geometry(in geometry);
        fixed (ConvolutionGeometry* g = &geometry)
        {
            return _table.ConvolutionFloatTiles(g);
        }
    }

    /// <inheritdoc/>
    public override void ConvolutionFloat(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        PackedWeights weights,
        ReadOnlySpan<float> bias,
        float low,
        float high,
        Span<float> destination,
        int tileBegin,
        int tileEnd)
    {
        NativeCheck.Geometry(in geometry);
        KernelCheck.AtLeast(source.Length, geometry.InLength, nameof(source));
        KernelCheck.AtLeast(bias.Length, geometry.OutChannels, nameof(bias));
        KernelCheck.AtLeast(destination.Length, geometry.OutLength, nameof(destination));
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (float* x = source, b = bias, y = destination)
        {
            KernelCheck.Weights(weights, _floatLayout, _table.ConvolutionFloatPackedSize(g));
            KernelCheck.Tiles(tileBegin, tileEnd, _table.ConvolutionFloatTiles(g));
            _table.ConvolutionFloat(g, x, weights.Pointer, b, low, high, y, tileBegin, tileEnd);
        }

        GC.KeepAlive(weights);
    }

    /// <inheritdoc/>
    public override PackedWeights NewConvolutionByte(in ConvolutionGeometry geometry)
    {
        NativeCheck.Geometry(in geometry);
        fixed (ConvolutionGeometry* g = &geometry)
        {
            return PackedWeights.Unset(_table.ConvolutionBytePackedSize(g), ByteLayout(in geometry));
        }
    }

    /// <inheritdoc/>
    public override void FillConvolutionByte(in ConvolutionGeometry geometry, ReadOnlySpan<sbyte> weights, WeightAxes axes, PackedWeights packed, int part, int parts)
    {
        NativeCheck.Geometry(in geometry);
        KernelCheck.Bytes(in geometry, weights, part);
        KernelCheck.Tiles(part, part + 1, parts);
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (sbyte* w = weights)
        {
            KernelCheck.Weights(packed, ByteLayout(in geometry), _table.ConvolutionBytePackedSize(g));
            _table.ConvolutionBytePack(g, w, (int)axes, packed.Pointer, part, parts);
        }

        GC.KeepAlive(packed);
    }

    /// <inheritdoc/>
    public override PackedWeights PackConvolutionCodebook(in ConvolutionGeometry geometry, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
    {
        NativeCheck.Geometry(in geometry);
        KernelCheck.Codebook(in geometry, codes, levels);
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (byte* c = codes)
        fixed (sbyte* l = levels)
        {
            PackedWeights packed = new(_table.ConvolutionCodebookPackedSize(g), _codebookLayout);
            _table.ConvolutionCodebookPack(g, c, l, packed.Pointer);
            return packed;
        }
    }

    /// <inheritdoc/>
    public override int CountConvolutionByteTiles(in ConvolutionGeometry geometry)
    {
        NativeCheck.Geometry(in geometry);
        fixed (ConvolutionGeometry* g = &geometry)
        {
            return _table.ConvolutionByteTiles(g);
        }
    }

    /// <inheritdoc/>
    public override void ConvolutionByte(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<byte> source,
        byte padding,
        PackedWeights weights,
        in IntegerEpilogue epilogue,
        Span<byte> destination,
        int tileBegin,
        int tileEnd)
    {
        NativeCheck.Geometry(in geometry);
        KernelCheck.AtLeast(source.Length, geometry.InLength, nameof(source));
        KernelCheck.Epilogue(in epilogue, in geometry, destination.Length);
        fixed (ConvolutionGeometry* g = &geometry)
        fixed (byte* x = source, y = destination)
        fixed (int* bias = epilogue.Bias)
        fixed (float* multipliers = epilogue.Multipliers, offsets = epilogue.Offsets)
        fixed (byte* other = epilogue.Join.Other, bytes = epilogue.Join.Bytes)
        fixed (uint* planes = epilogue.Join.Planes, rising = epilogue.Join.Rising)
        fixed (int* table = epilogue.Join.Table)
        {
            bool codes = weights.Layout == _codebookLayout && geometry.WeightBits == 0;
            KernelCheck.Weights(weights, codes ? _codebookLayout : ByteLayout(in geometry), codes ? _table.ConvolutionCodebookPackedSize(g) : _table.ConvolutionBytePackedSize(g));
            KernelCheck.Tiles(tileBegin, tileEnd, _table.ConvolutionByteTiles(g));
            NativeEpilogue native = NativeEpilogue.Of(in epilogue, bias, multipliers, offsets);
            NativeJoin join = NativeJoin.Of(epilogue.Join, geometry.OutChannels, y) with { Other = other, Bytes = bytes, Planes = (byte*)planes, Table = table, Rising = rising };
            native.Join = epilogue.Join.IsUsed ? &join : null;
            (codes ? _table.ConvolutionCodebook : _table.ConvolutionByte)(g, x, padding, weights.Pointer, &native, y, tileBegin, tileEnd);
        }

        GC.KeepAlive(weights);
    }

    private string ByteLayout(in ConvolutionGeometry geometry) => geometry.WeightBits == 0 ? _byteLayout : _sevenLayout;
}
