using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Entry and quantizer in one: reals are made a block at a time and never stored.</summary>
internal sealed class QuantizeEntryStep(BindContext context, EntryReader reader, int input, Layout target, AffineParameters parameters, IntegerRange range, int destination)
    : EntryStep(context, reader, input, target, KernelOperation.EntryByte)
{
    /// <summary>Channels that are turned at a time.</summary>
    private const int Group = 16;

    private readonly KernelSet _kernels = context.Kernels;

    private readonly bool _isDirect = reader is { IsPlain: true, Step: 1, Element: ElementType.Float32 };

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int image, int pixel, int count)
    {
        Span<byte> slot = buffers.Span<byte>(destination);
        if (IsChannelsLast && Reader.Channels is > 1 and <= Interleaving.MostChannels)
        {
            Span<byte> planes = stackalloc byte[Block * Interleaving.MostChannels];
            for (int channel = 0; channel < Reader.Channels; channel++)
            {
                Codes(buffers, image, channel, pixel, planes.Slice(channel * count, count));
            }

            Interleaving.Run(planes[..(count * Reader.Channels)], Reader.Channels, slot.Slice(Target(image, 0, pixel), count * Reader.Channels));
            return;
        }

        if (IsChannelsLast)
        {
            RunGroups(buffers, slot, image, pixel, count);
            return;
        }

        for (int channel = 0; channel < Reader.Channels; channel++)
        {
            Codes(buffers, image, channel, pixel, slot.Slice(Target(image, channel, pixel), count));
        }
    }

    // A group's codes stay in the first-level cache until they are turned.
    private unsafe void RunGroups(RunBuffers buffers, Span<byte> slot, int image, int pixel, int count)
    {
        byte* planes = stackalloc byte[Block * Group];
        for (int first = 0; first < Reader.Channels; first += Group)
        {
            int channels = Math.Min(Group, Reader.Channels - first);
            for (int channel = 0; channel < channels; channel++)
            {
                if (_isDirect && first + channel + 1 < Reader.Channels)
                {
                    Prefetching.Begin((float*)buffers.Inputs[Input] + Reader.Index(image, first + channel + 1, pixel), count * sizeof(float));
                }

                Codes(buffers, image, first + channel, pixel, new Span<byte>(planes + (channel * count), count));
            }

            fixed (byte* target = slot[Target(image, first, pixel)..])
            {
                Turning.Bytes(planes, channels, count, count, target, Reader.Channels);
            }
        }
    }

    private unsafe void Codes(RunBuffers buffers, int image, int channel, int pixel, Span<byte> codes)
    {
        if (_isDirect)
        {
            Quantize(new ReadOnlySpan<float>((float*)buffers.Inputs[Input] + Reader.Index(image, channel, pixel), codes.Length), codes);
            return;
        }

        Span<float> values = stackalloc float[Block];
        values = values[..codes.Length];
        Reader.Read(buffers.Inputs[Input], image, channel, pixel, values);
        Quantize(values, codes);
    }

    private void Quantize(ReadOnlySpan<float> values, Span<byte> codes) => _kernels.QuantizeFloat(values, parameters.Scale, parameters.ZeroPoint, range.Min, range.Max, codes);
}

/// <summary>Entry of bytes into codes through a table a channel: no float is made at run time.</summary>
internal sealed unsafe class TableEntryStep : EntryStep
{
    private readonly byte[] _tables;
    private readonly int _destination;

    public TableEntryStep(BindContext context, EntryReader reader, int input, Layout target, AffineParameters parameters, IntegerRange range, int destination)
        : base(context, reader, input, target, KernelOperation.EntryByte)
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
internal sealed unsafe class FlatQuantizeEntryStep(BindContext context, int count, AffineParameters parameters, IntegerRange range, int input, int destination) : FlatStep(context, count, KernelOperation.QuantizeFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => Kernels.QuantizeFloat(new ReadOnlySpan<float>((float*)buffers.Inputs[input] + begin, count), parameters.Scale, parameters.ZeroPoint, range.Min, range.Max, buffers.Span<byte>(destination).Slice(begin, count));
}

/// <summary>Entry of values that already stand in the slot's order and element type.</summary>
internal sealed unsafe class CopyEntryStep(BindContext context, int count, int size, int input, int destination) : FlatStep(context, count, KernelOperation.Copy, size)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int count)
        => new ReadOnlySpan<byte>((byte*)buffers.Inputs[input] + ((long)begin * Size), count * Size).CopyTo(buffers.Bytes(destination, Size).Slice(begin * Size, count * Size));
}
