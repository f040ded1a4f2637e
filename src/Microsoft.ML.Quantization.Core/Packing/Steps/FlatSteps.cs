using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Element-wise work on flat spans, shared out in runs of whole cache lines.</summary>
internal abstract class FlatStep : BoundStep, IRangeStep
{
    private const int Line = 64;
    private const int WorkPerElement = 32;

    private readonly int _count;

    protected FlatStep(BindContext context, int count, KernelOperation operation, int size = 1)
    {
        Kernels = context.Kernels;
        _count = count;
        Size = size;
        Chunks = context.Chunks((count / Line) + 1, (long)count * WorkPerElement);
        Work = KernelWork.Flat(operation, 8, (long)count * size);
    }

    protected KernelSet Kernels { get; }

    /// <summary>Bytes of a value that is only moved.</summary>
    protected int Size { get; }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int lines = (_count + Line - 1) / Line;
        int begin = Begin(lines, chunk) * Line;
        Run(buffers, begin, Math.Min(Begin(lines, chunk + 1) * Line, _count) - begin);
    }

    /// <inheritdoc/>
    public int PixelsOf(int channels) => Size == 1 && _count % channels == 0 ? _count / channels : -1;

    /// <inheritdoc/>
    public void RunPixels(RunBuffers buffers, int pixel, int count, int channels) => Run(buffers, pixel * channels, count * channels);

    protected abstract void Run(RunBuffers buffers, int begin, int count);
}

/// <summary>Floats to 16-bit codes.</summary>
internal sealed class QuantizeWideStep(BindContext context, int count, AffineParameters parameters, IntegerRange range, int source, int destination) : FlatStep(context, count, KernelOperation.QuantizeFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => CodeMath.Quantize(buffers.Span<float>(source).Slice(begin, count), parameters.Scale, new CodeTail(parameters.ZeroPoint, range.Min, range.Max), buffers.Span<short>(destination).Slice(begin, count));
}

internal sealed class QuantizeStep(BindContext context, int count, AffineParameters parameters, IntegerRange range, int source, int destination) : FlatStep(context, count, KernelOperation.QuantizeFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.QuantizeFloat(buffers.Span<float>(source).Slice(begin, count), parameters.Scale, parameters.ZeroPoint, range.Min, range.Max, buffers.Span<byte>(destination).Slice(begin, count));
}

internal sealed class DequantizeStep(BindContext context, int count, AffineParameters parameters, int source, int destination) : FlatStep(context, count, KernelOperation.DequantizeByte)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.DequantizeByte(buffers.Span<byte>(source).Slice(begin, count), parameters.Scale, parameters.ZeroPoint, buffers.Span<float>(destination).Slice(begin, count));
}

internal sealed class TranslateStep(BindContext context, int count, byte[] table, int source, int destination) : FlatStep(context, count, KernelOperation.TranslateByte)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.TranslateByte(buffers.Span<byte>(source).Slice(begin, count), table, buffers.Span<byte>(destination).Slice(begin, count));
}

/// <summary>The numbers of a residual add of codes.</summary>
internal sealed record AddRule(AffineParameters Left, AffineParameters Right, int ZeroPoint, int Minimum, int Maximum);

/// <summary>Residual add of codes; the scales of its rule are the multipliers.</summary>
internal sealed class AddByteStep(BindContext context, int count, AddRule rule, int left, int right, int destination) : FlatStep(context, count, KernelOperation.AddByte)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.AddByte(
            buffers.Span<byte>(left).Slice(begin, count),
            rule.Left.ZeroPoint,
            rule.Left.Scale,
            buffers.Span<byte>(right).Slice(begin, count),
            rule.Right.ZeroPoint,
            rule.Right.Scale,
            rule.ZeroPoint,
            rule.Minimum,
            rule.Maximum,
            buffers.Span<byte>(destination).Slice(begin, count));
}

internal sealed class AddFloatStep(BindContext context, int count, Activation activation, int left, int right, int destination) : FlatStep(context, count, KernelOperation.AddFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.AddFloat(buffers.Span<float>(left).Slice(begin, count), buffers.Span<float>(right).Slice(begin, count), activation.Low, activation.High, buffers.Span<float>(destination).Slice(begin, count));
}

internal sealed class ClampStep(BindContext context, int count, float low, float high, int source, int destination) : FlatStep(context, count, KernelOperation.ClampFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.ClampFloat(buffers.Span<float>(source).Slice(begin, count), low, high, buffers.Span<float>(destination).Slice(begin, count));
}
