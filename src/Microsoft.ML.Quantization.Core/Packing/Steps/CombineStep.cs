using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Several accumulators to one float on channels-last data: the numbers of a pixel's channels lie side by side, so that a lane is a channel.</summary>
internal sealed class CombineStep(BindContext context, int pixels, int channels, float[][] multipliers, float[] offsets, Activation activation, int[] sources, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        for (int p = pixel; p < pixel + count; p++)
        {
            Span<float> result = Values<float>(buffers, destination, p, 1);
            result.Clear();
            for (int g = 0; g < sources.Length; g++)
            {
                Add(Values<int>(buffers, sources[g], p, 1), multipliers[g], result);
            }

            Finish(result);
        }
    }

    private static void Add(ReadOnlySpan<int> accumulators, ReadOnlySpan<float> multipliers, Span<float> result)
    {
        int width = Vector256<int>.Count;
        int i = 0;
        for (; i + width <= result.Length; i += width)
        {
            Vector256<float> values = Vector256.ConvertToSingle(Vector256.Create(accumulators.Slice(i, width)));
            Vector256<float> sum = Vector256.Create<float>(result.Slice(i, width));
            Vector256.FusedMultiplyAdd(values, Vector256.Create(multipliers.Slice(i, width)), sum).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            result[i] = MathF.FusedMultiplyAdd((float)accumulators[i], multipliers[i], result[i]);
        }
    }

    private void Finish(Span<float> result)
    {
        for (int i = 0; i < result.Length; i++)
        {
            float value = result[i] + offsets[i];
            result[i] = value < activation.Low ? activation.Low : value > activation.High ? activation.High : value;
        }
    }
}
