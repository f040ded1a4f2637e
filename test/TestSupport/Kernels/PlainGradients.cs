using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>The gradients of training's products as the plain loops of their definition.</summary>
public static class PlainGradients
{
    /// <summary>
    /// [O][taps][I/g] over the images [begin, end): one chain a weight, acc = fma(gradient, x, acc) from +0, output pixel after output pixel, padding reading as 0.
    /// </summary>
    public static float[] Weights(in ConvolutionGeometry g, ReadOnlySpan<float> source, ReadOnlySpan<float> gradient, int begin, int end)
    {
        var result = new float[g.OutChannels * g.Depth];
        int image = g.OutDepth * g.OutHeight * g.OutWidth;
        for (int i = 0; i < result.Length; i++)
        {
            (int o, int k) = Math.DivRem(i, g.Depth);
            (int tap, int c) = Math.DivRem(k, g.GroupInChannels);
            int channel = (o / g.GroupOutChannels * g.GroupInChannels) + c;
            for (int pixel = begin * image; pixel < end * image; pixel++)
            {
                int input = PlainWindow.InputPixel(g, pixel, tap);
                float x = input < 0 ? 0 : source[(input * g.InChannels) + channel];
                result[i] = MathF.FusedMultiplyAdd(gradient[(pixel * g.OutChannels) + o], x, result[i]);
            }
        }

        return result;
    }
}
