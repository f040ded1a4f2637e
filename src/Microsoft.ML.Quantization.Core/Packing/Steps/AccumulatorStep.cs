using System;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Accumulators that several nodes read, to floats or codes, channels last: the epilogue of a layer as a step of its own. The bias of its numbers is not read.</summary>
internal sealed class AccumulatorStep(BindContext context, int pixels, int channels, EpilogueData epilogue, int source, int destination) : PixelStep(context, pixels, channels)
{
    private const int Block = 512;

    private readonly bool _clamps = !float.IsNegativeInfinity(epilogue.Low) || !float.IsPositiveInfinity(epilogue.High);

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        for (int p = pixel; p < pixel + count; p++)
        {
            ReadOnlySpan<int> accumulators = Values<int>(buffers, source, p, 1);
            if (epilogue.Output == AccumulatorOutput.Float32)
            {
                Floats(accumulators, Values<float>(buffers, destination, p, 1));
            }
            else
            {
                Codes(accumulators, buffers.Bytes(destination, epilogue.OutputSize).Slice(p * Channels * epilogue.OutputSize, Channels * epilogue.OutputSize));
            }
        }
    }

    private void Floats(ReadOnlySpan<int> accumulators, Span<float> result)
    {
        ChannelEpilogue.Scale(accumulators, epilogue.Multipliers, epilogue.Offsets, result);
        if (_clamps)
        {
            ChannelEpilogue.Clamp(epilogue.Low, epilogue.High, result);
        }
    }

    private void Codes(ReadOnlySpan<int> accumulators, Span<byte> result)
    {
        Span<float> scaled = stackalloc float[Block];
        Span<short> wide = MemoryMarshal.Cast<byte, short>(result);
        for (int c = 0; c < accumulators.Length; c += Block)
        {
            Span<float> run = scaled[..Math.Min(Block, accumulators.Length - c)];
            ChannelEpilogue.Scale(accumulators.Slice(c, run.Length), epilogue.Multipliers.AsSpan(c, run.Length), epilogue.Offsets.AsSpan(c, run.Length), run);
            for (int i = 0; i < run.Length; i++)
            {
                int code = Requantization.Finish(run[i], epilogue.ZeroPoint, epilogue.Minimum, epilogue.Maximum);
                if (epilogue.Output == AccumulatorOutput.UInt8)
                {
                    result[c + i] = (byte)code;
                }
                else
                {
                    wide[c + i] = (short)code;
                }
            }
        }
    }
}
