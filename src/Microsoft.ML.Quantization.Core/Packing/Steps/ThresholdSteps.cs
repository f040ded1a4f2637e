using System;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Floats to codes by comparison.</summary>
internal sealed class ThresholdFloatStep(BindContext context, int pixels, int channels, ThresholdData<float> thresholds, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
        => Kernels.ThresholdFloat(count, Channels, Values<float>(buffers, source, pixel, count), thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel, count));
}

/// <summary>Accumulators, or codes of 8 or 16 bits widened a few pixels at a time, to codes by comparison.</summary>
internal sealed class ThresholdIntegerStep(BindContext context, int pixels, int channels, ThresholdData<int> thresholds, ElementType element, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <summary>The most channels that one block of widened pixels can hold.</summary>
    public const int MostChannels = 4096;

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        if (element == ElementType.Int32)
        {
            Kernels.ThresholdInt32(count, Channels, Values<int>(buffers, source, pixel, count), thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel, count));
            return;
        }

        Span<int> block = stackalloc int[MostChannels];
        int most = MostChannels / Channels;
        for (int done = 0; done < count; done += most)
        {
            int taken = Math.Min(most, count - done);
            Span<int> wide = block[..(taken * Channels)];
            Widen(buffers, pixel + done, taken, wide);
            Kernels.ThresholdInt32(taken, Channels, wide, thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel + done, taken));
        }
    }

    private void Widen(RunBuffers buffers, int pixel, int count, Span<int> wide)
    {
        switch (element)
        {
            case ElementType.Int16:
                CodeRuns.Widen(Values<short>(buffers, source, pixel, count), wide);
                break;
            case ElementType.Int8:
                Widen<sbyte>(Values<sbyte>(buffers, source, pixel, count), wide);
                break;
            default:
                Widen<byte>(Values<byte>(buffers, source, pixel, count), wide);
                break;
        }
    }

    private static void Widen<T>(ReadOnlySpan<T> values, Span<int> wide)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = int.CreateTruncating(values[i]);
        }
    }
}
