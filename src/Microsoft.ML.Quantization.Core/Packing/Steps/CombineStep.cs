using System;
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
                ChannelEpilogue.Add(Values<int>(buffers, sources[g], p, 1), multipliers[g], result);
            }

            ChannelEpilogue.Finish(offsets, activation.Low, activation.High, result);
        }
    }
}
