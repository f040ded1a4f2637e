using System;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Pools over channels-last data, shared out by output rows.</summary>
internal abstract class PoolStep : BoundStep
{
    private readonly int _rows;

    protected PoolStep(BindContext context, ConvolutionGeometry geometry, KernelOperation operation, int source, int destination)
    {
        Kernels = context.Kernels;
        Geometry = geometry;
        Source = source;
        Destination = destination;
        _rows = Rows.Count(geometry);
        Chunks = context.Chunks(_rows, geometry.OutLength * geometry.Taps * Rows.WorkPerTap);
        Work = KernelWork.Of(operation, operation == KernelOperation.MaxPoolWide ? 16 : 8, geometry);
    }

    protected KernelSet Kernels { get; }

    /// <summary>The sizes.</summary>
    public ConvolutionGeometry Geometry { get; }

    /// <summary>The slot written.</summary>
    public int Destination { get; }

    protected int Source { get; }

    /// <summary>Pools rows that lie in some memory; only of pools that <see cref="BandStep"/> takes.</summary>
    public virtual void RunRows(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination) => throw new InvalidOperationException($"{GetType().Name} has no rows of its own.");

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk) => Run(buffers, Begin(_rows, chunk), Begin(_rows, chunk + 1));

    protected abstract void Run(RunBuffers buffers, int begin, int end);
}

internal sealed class MaxPoolByteStep(BindContext context, ConvolutionGeometry geometry, int source, int destination) : PoolStep(context, geometry, KernelOperation.MaxPoolByte, source, destination)
{
    /// <inheritdoc/>
    public override void RunRows(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination)
        => Kernels.MaxPoolByte(geometry, source, destination, 0, Rows.Count(geometry));

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.MaxPoolByte(Geometry, buffers.Span<byte>(Source), buffers.Span<byte>(Destination), begin, end);
}

internal sealed class MaxPoolWideStep(BindContext context, ConvolutionGeometry geometry, short smallest, int source, int destination) : PoolStep(context, geometry, KernelOperation.MaxPoolWide, source, destination)
{
    /// <inheritdoc/>
    public override void RunRows(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination)
        => Kernels.MaxPoolWide(geometry, smallest, MemoryMarshal.Cast<byte, short>(source), MemoryMarshal.Cast<byte, short>(destination), 0, Rows.Count(geometry));

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.MaxPoolWide(Geometry, smallest, buffers.Span<short>(Source), buffers.Span<short>(Destination), begin, end);
}

internal sealed class MaxPoolFloatStep(BindContext context, ConvolutionGeometry geometry, int source, int destination) : PoolStep(context, geometry, KernelOperation.MaxPoolFloat, source, destination)
{
    /// <inheritdoc/>
    public override void RunRows(in ConvolutionGeometry geometry, ReadOnlySpan<byte> source, Span<byte> destination)
        => Kernels.MaxPoolFloat(geometry, MemoryMarshal.Cast<byte, float>(source), MemoryMarshal.Cast<byte, float>(destination), 0, Rows.Count(geometry));

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.MaxPoolFloat(Geometry, buffers.Span<float>(Source), buffers.Span<float>(Destination), begin, end);
}

internal sealed class AveragePoolFloatStep(BindContext context, ConvolutionGeometry geometry, bool countPadding, int source, int destination) : PoolStep(context, geometry, KernelOperation.AveragePoolFloat, source, destination)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.AveragePoolFloat(Geometry, countPadding, buffers.Span<float>(Source), buffers.Span<float>(Destination), begin, end);
}

/// <summary>The numbers of an integer average pool.</summary>
internal sealed record AverageRule(bool CountPadding, int InputZeroPoint, float Multiplier, int ZeroPoint, int Minimum, int Maximum);

internal sealed class AveragePoolByteStep(BindContext context, ConvolutionGeometry geometry, AverageRule rule, int source, int destination) : PoolStep(context, geometry, KernelOperation.AveragePoolByte, source, destination)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.AveragePoolByte(Geometry, rule.CountPadding, buffers.Span<byte>(Source), rule.InputZeroPoint, rule.Multiplier, rule.ZeroPoint, rule.Minimum, rule.Maximum, buffers.Span<byte>(Destination), begin, end);
}

/// <summary>Mean over all pixels of each image, shared out by images.</summary>
internal sealed class GlobalAverageStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly int _batch;
    private readonly int _pixels;
    private readonly int _channels;
    private readonly int _source;
    private readonly int _destination;

    public GlobalAverageStep(BindContext context, int batch, int pixels, int channels, int source, int destination)
    {
        _kernels = context.Kernels;
        _batch = batch;
        _pixels = pixels;
        _channels = channels;
        _source = source;
        _destination = destination;
        Chunks = context.Chunks(batch, (long)batch * pixels * channels * Rows.WorkPerTap);
        Work = KernelWork.Flat(KernelOperation.GlobalAverageFloat, 8, (long)batch * pixels * channels, channels);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int begin = Begin(_batch, chunk);
        int count = Begin(_batch, chunk + 1) - begin;
        _kernels.GlobalAverageFloat(count, _pixels, _channels, buffers.Span<float>(_source).Slice(begin * _pixels * _channels, count * _pixels * _channels), buffers.Span<float>(_destination).Slice(begin * _channels, count * _channels));
    }
}
