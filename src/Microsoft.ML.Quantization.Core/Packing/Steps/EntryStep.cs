using System;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Brings the caller's rows into a slot; shared out by blocks of pixels.</summary>
internal abstract class EntryStep : BoundStep
{
    /// <summary>Pixels of one block; their values stay in the first-level cache.</summary>
    protected const int Block = 1024;

    private const int WorkPerElement = 64;

    private readonly int _blocks;

    protected EntryStep(BindContext context, EntryReader reader, int input, Layout target, KernelOperation operation)
    {
        Reader = reader;
        Input = input;
        IsChannelsLast = target == Layout.ChannelsLast;
        _blocks = (reader.Pixels + Block - 1) / Block;
        Chunks = context.Chunks(reader.Images * _blocks, (long)reader.Images * reader.Channels * reader.Pixels * WorkPerElement);
        Work = KernelWork.Flat(operation, 8, (long)reader.Images * reader.Channels * reader.Pixels, reader.Channels);
    }

    protected EntryReader Reader { get; }

    protected int Input { get; }

    protected bool IsChannelsLast { get; }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int units = Reader.Images * _blocks;
        int end = Begin(units, chunk + 1);
        for (int unit = Begin(units, chunk); unit < end; unit++)
        {
            int pixel = unit % _blocks * Block;
            Run(buffers, unit / _blocks, pixel, Math.Min(Block, Reader.Pixels - pixel));
        }
    }

    /// <summary>Index in the slot of a value.</summary>
    protected int Target(int image, int channel, int pixel)
    {
        int start = image * Reader.Channels * Reader.Pixels;
        return start + (IsChannelsLast ? (pixel * Reader.Channels) + channel : (channel * Reader.Pixels) + pixel);
    }

    /// <summary>Puts values of one channel at their places.</summary>
    protected void Store<T>(ReadOnlySpan<T> values, Span<T> slot, int image, int channel, int pixel)
    {
        int index = Target(image, channel, pixel);
        if (!IsChannelsLast)
        {
            values.CopyTo(slot[index..]);
            return;
        }

        for (int i = 0; i < values.Length; i++)
        {
            slot[index] = values[i];
            index += Reader.Channels;
        }
    }

    protected abstract void Run(RunBuffers buffers, int image, int pixel, int count);
}

/// <summary>Entry as floats.</summary>
internal sealed class FloatEntryStep(BindContext context, EntryReader reader, int input, Layout target, int destination) : EntryStep(context, reader, input, target, KernelOperation.EntryFloat)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int image, int pixel, int count)
    {
        Span<float> values = stackalloc float[Block];
        values = values[..count];
        Span<float> slot = buffers.Span<float>(destination);
        for (int channel = 0; channel < Reader.Channels; channel++)
        {
            Reader.Read(buffers.Inputs[Input], image, channel, pixel, values);
            Store(values, slot, image, channel, pixel);
        }
    }
}
