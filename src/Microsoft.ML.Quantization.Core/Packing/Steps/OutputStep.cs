using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Copies a slot to the caller's output.</summary>
internal sealed unsafe class OutputStep : BoundStep
{
    private readonly int _output;
    private readonly int _size;
    private readonly int _source;

    /// <param name="output">Index of the output.</param>
    /// <param name="count">Elements.</param>
    /// <param name="size">Bytes of one.</param>
    /// <param name="source">Slot.</param>
    public OutputStep(int output, int count, int size, int source)
    {
        _output = output;
        _size = size;
        _source = source;
        Work = KernelWork.Flat(KernelOperation.Copy, 8, (long)count * size);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        ReadOnlySpan<byte> bytes = buffers.Bytes(_source, _size);
        bytes.CopyTo(new Span<byte>((void*)buffers.Outputs[_output], bytes.Length));
    }
}

/// <summary>Codes that lie channels-last to the caller's floats in the graph's order, a block of pixels and a group of channels at a time.</summary>
internal sealed unsafe class DecodeOutputStep : BoundStep
{
    private const int Block = 1024;
    private const int Group = 16;
    private const int WorkPerElement = 64;

    private readonly KernelSet _kernels;
    private readonly int _output;
    private readonly (int Images, int Channels, int Pixels) _sizes;
    private readonly AffineParameters _parameters;
    private readonly int _source;
    private readonly int _blocks;

    /// <param name="context">Batch, threads and kernels.</param>
    /// <param name="output">Index of the output.</param>
    /// <param name="shape">[images, channels, ..].</param>
    /// <param name="parameters">Of the codes.</param>
    /// <param name="source">Slot.</param>
    public DecodeOutputStep(BindContext context, int output, Shape shape, AffineParameters parameters, int source)
    {
        (_kernels, _output, _parameters, _source) = (context.Kernels, output, parameters, source);
        _sizes = (shape[0], shape[1], shape.CountOf(2, shape.Rank));
        _blocks = (_sizes.Pixels + Block - 1) / Block;
        Chunks = context.Chunks(_sizes.Images * _blocks, (long)shape.Count * WorkPerElement);
        Work = KernelWork.Flat(KernelOperation.DequantizeByte, 8, shape.Count);
        Also = [KernelWork.Flat(KernelOperation.Transpose, 8, shape.Count, _sizes.Channels)];
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int units = _sizes.Images * _blocks;
        int end = Begin(units, chunk + 1);
        fixed (byte* codes = buffers.Span<byte>(_source))
        {
            for (int unit = Begin(units, chunk); unit < end; unit++)
            {
                int pixel = unit % _blocks * Block;
                Run(codes, (float*)buffers.Outputs[_output], unit / _blocks, pixel, Math.Min(Block, _sizes.Pixels - pixel));
            }
        }
    }

    private void Run(byte* codes, float* output, int image, int pixel, int count)
    {
        byte* planes = stackalloc byte[Block * Group];
        codes += (((long)image * _sizes.Pixels) + pixel) * _sizes.Channels;
        for (int first = 0; first < _sizes.Channels; first += Group)
        {
            int channels = Math.Min(Group, _sizes.Channels - first);
            Turning.Bytes(codes + first, count, channels, _sizes.Channels, planes, count);
            for (int channel = 0; channel < channels; channel++)
            {
                float* target = output + (((((long)image * _sizes.Channels) + first + channel) * _sizes.Pixels) + pixel);
                Prefetching.Begin(target + _sizes.Pixels, first + channel + 1 < _sizes.Channels ? count * sizeof(float) : 0);
                _kernels.DequantizeByte(new ReadOnlySpan<byte>(planes + (channel * count), count), _parameters.Scale, _parameters.ZeroPoint, new Span<float>(target, count));
            }
        }
    }
}

/// <summary>Fills a slot with a constant.</summary>
internal sealed class ConstantStep(Tensor values, int destination) : BoundStep
{
    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk) => values.Bytes.Span.CopyTo(buffers.Bytes(destination, values.Type.SizeOf()));
}
