using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Accumulators that several nodes read, to floats or codes, channels last: the epilogue of a layer as a step of its own. The bias of its numbers is not read.</summary>
internal sealed class AccumulatorStep(BindContext context, int pixels, int channels, EpilogueData epilogue, int source, int destination) : PixelStep(context, pixels, channels)
{
    private const int Block = 1024;

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        Span<float> scaled = stackalloc float[Block];
        for (int p = pixel; p < pixel + count; p++)
        {
            ReadOnlySpan<int> accumulators = Values<int>(buffers, source, p, 1);
            for (int c = 0; c < Channels; c += Block)
            {
                int length = Math.Min(Block, Channels - c);
                Span<float> run = scaled[..length];
                Scale(accumulators.Slice(c, length), epilogue.Multipliers.AsSpan(c, length), epilogue.Offsets.AsSpan(c, length), run);
                Write(buffers, (p * Channels) + c, run);
            }
        }
    }

    private static void Scale(ReadOnlySpan<int> accumulators, ReadOnlySpan<float> multipliers, ReadOnlySpan<float> offsets, Span<float> result)
    {
        int width = Vector256<int>.Count;
        int i = 0;
        for (; i + width <= result.Length; i += width)
        {
            Vector256<float> product = Vector256.ConvertToSingle(Vector256.Create(accumulators.Slice(i, width))) * Vector256.Create(multipliers.Slice(i, width));
            (product + Vector256.Create(offsets.Slice(i, width))).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            float product = (float)accumulators[i] * multipliers[i];
            result[i] = product + offsets[i];
        }
    }

    private void Write(RunBuffers buffers, int start, ReadOnlySpan<float> scaled)
    {
        Span<byte> result = buffers.Bytes(destination, epilogue.OutputSize).Slice(start * epilogue.OutputSize, scaled.Length * epilogue.OutputSize);
        if (epilogue.Output == AccumulatorOutput.Float32)
        {
            Clamp(scaled, MemoryMarshal.Cast<byte, float>(result));
            return;
        }

        Span<short> wide = MemoryMarshal.Cast<byte, short>(result);
        for (int i = 0; i < scaled.Length; i++)
        {
            int code = Requantization.Finish(scaled[i], epilogue.ZeroPoint, epilogue.Minimum, epilogue.Maximum);
            if (epilogue.Output == AccumulatorOutput.UInt8)
            {
                result[i] = (byte)code;
            }
            else
            {
                wide[i] = (short)code;
            }
        }
    }

    private void Clamp(ReadOnlySpan<float> scaled, Span<float> result)
    {
        for (int i = 0; i < scaled.Length; i++)
        {
            float value = scaled[i];
            result[i] = value < epilogue.Low ? epilogue.Low : value > epilogue.High ? epilogue.High : value;
        }
    }
}
