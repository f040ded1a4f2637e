using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Entry and quantizer in one: reals are made a block at a time and never stored.</summary>
internal sealed class QuantizeEntryStep(BindContext context, EntryReader reader, int input, Layout target, AffineParameters parameters, IntegerRange range, int destination)
    : EntryStep(context, reader, input, target)
{
    private readonly KernelSet _kernels = context.Kernels;

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int image, int pixel, int count)
    {
        Span<float> values = stackalloc float[Block];
        Span<byte> codes = stackalloc byte[Block];
        values = values[..count];
        codes = codes[..count];
        Span<byte> slot = buffers.Span<byte>(destination);
        for (int channel = 0; channel < Reader.Channels; channel++)
        {
            Reader.Read(buffers.Inputs[Input], image, channel, pixel, values);
            _kernels.QuantizeFloat(values, parameters.Scale, parameters.ZeroPoint, range.Min, range.Max, codes);
            Store(codes, slot, image, channel, pixel);
        }
    }
}

/// <summary>Entry of bytes into codes through a table a channel: no float is made at run time.</summary>
internal sealed unsafe class TableEntryStep : EntryStep
{
    private readonly byte[] _tables;
    private readonly int _destination;

    public TableEntryStep(BindContext context, EntryReader reader, int input, Layout target, AffineParameters parameters, IntegerRange range, int destination)
        : base(context, reader, input, target)
    {
        _destination = destination;
        _tables = new byte[reader.Channels * 256];
        Span<float> value = stackalloc float[1];
        for (int i = 0; i < _tables.Length; i++)
        {
            value[0] = i % 256;
            reader.Normalize(i / 256, value);
            _tables[i] = (byte)parameters.Quantize(value[0], range);
        }
    }

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int image, int pixel, int count)
    {
        Span<byte> slot = buffers.Span<byte>(_destination);
        int step = IsChannelsLast ? Reader.Channels : 1;
        for (int channel = 0; channel < Reader.Channels; channel++)
        {
            ReadOnlySpan<byte> table = _tables.AsSpan(channel * 256, 256);
            byte* source = (byte*)buffers.Inputs[Input] + Reader.Index(image, channel, pixel);
            int index = Target(image, channel, pixel);
            for (int i = 0; i < count; i++)
            {
                slot[index] = table[*source];
                index += step;
                source += Reader.Step;
            }
        }
    }
}

/// <summary>Entry of plain floats that already stand in the slot's order.</summary>
internal sealed unsafe class FlatQuantizeEntryStep(BindContext context, int count, AffineParameters parameters, IntegerRange range, int input, int destination) : FlatStep(context, count)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.QuantizeFloat(new ReadOnlySpan<float>((float*)buffers.Inputs[input] + begin, count), parameters.Scale, parameters.ZeroPoint, range.Min, range.Max, buffers.Span<byte>(destination).Slice(begin, count));
}

/// <summary>Entry of values that already stand in the slot's order and element type.</summary>
internal sealed unsafe class CopyEntryStep(BindContext context, int count, int size, int input, int destination) : FlatStep(context, count)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => new ReadOnlySpan<byte>((byte*)buffers.Inputs[input] + ((long)begin * size), count * size).CopyTo(buffers.Bytes(destination, size).Slice(begin * size, count * size));
}
