using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <summary>What native code relies on and does not check itself.</summary>
internal static class NativeCheck
{
    /// <summary>Throws unless sizes are positive, groups divide the channels and no coordinate exceeds 32 bits.</summary>
    public static void Geometry(in ConvolutionGeometry g)
    {
        bool sizes = g.Batch >= 0
            && Math.Min(g.InChannels, g.OutChannels) > 0
            && g.Groups > 0
            && g.InChannels % g.Groups == 0
            && g.OutChannels % g.Groups == 0;
        if (!sizes
            || !Axis(g.InDepth, g.OutDepth, g.KernelDepth, g.StrideDepth, g.DilationDepth, g.PadDepth)
            || !Axis(g.InHeight, g.OutHeight, g.KernelHeight, g.StrideHeight, g.DilationHeight, g.PadHeight)
            || !Axis(g.InWidth, g.OutWidth, g.KernelWidth, g.StrideWidth, g.DilationWidth, g.PadWidth)
            || g.WeightBits is not (0 or 7)
            || Product(g.KernelDepth, g.KernelHeight, g.KernelWidth, g.InChannels) > int.MaxValue
            || Product(g.Batch, g.OutDepth, g.OutHeight, g.OutWidth) > int.MaxValue)
        {
            throw new ArgumentException($"geometry: expected positive sizes, groups that divide the channels, 32-bit coordinates and weights of 0 or 7 bits, found {g}.", nameof(g));
        }
    }

    /// <summary>Throws unless the call is channelwise: as many outputs as inputs.</summary>
    public static void Channelwise(in ConvolutionGeometry g)
    {
        Geometry(in g);
        if (g.InChannels != g.OutChannels)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"geometry: expected as many output as input channels, found {g.InChannels} and {g.OutChannels}."), nameof(g));
        }
    }

    private static bool Axis(int input, int output, int kernel, int stride, int dilation, int pad)
        => Math.Min(Math.Min(input, output), Math.Min(kernel, Math.Min(stride, dilation))) > 0
            && pad >= 0
            && ((output - 1L) * stride) + ((kernel - 1L) * dilation) + pad < int.MaxValue;

    private static double Product(int a, int b, int c, int d) => (double)a * b * c * d;
}
