using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>From the graph's words (NCHW shapes, windows of 1 to 3 axes) to the kernels' geometry. Missing axes are put in front with size 1.</summary>
public static class Geometry
{
    private const int Axes = 3;

    /// <summary>The geometry of a convolution.</summary>
    /// <param name="window">The window, one entry a spatial axis.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="input">[N, C, spatial], nothing free.</param>
    /// <param name="output">[N, O, spatial'], nothing free.</param>
    public static ConvolutionGeometry Convolution(Window window, int groups, Shape input, Shape output)
    {
        ArgumentNullException.ThrowIfNull(window);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        int[] kernel = Padded(window.Kernel, 1);
        int[] stride = Padded(window.Strides, 1);
        int[] dilation = Padded(window.Dilations, 1);
        int[] pad = Padded(window.PadsBegin, 0);
        int[] from = Padded(input.Dimensions[2..], 1);
        int[] to = Padded(output.Dimensions[2..], 1);
        return new ConvolutionGeometry
        {
            Batch = input[0],
            InDepth = from[0],
            InHeight = from[1],
            InWidth = from[2],
            InChannels = input[1],
            OutDepth = to[0],
            OutHeight = to[1],
            OutWidth = to[2],
            OutChannels = output[1],
            KernelDepth = kernel[0],
            KernelHeight = kernel[1],
            KernelWidth = kernel[2],
            StrideDepth = stride[0],
            StrideHeight = stride[1],
            StrideWidth = stride[2],
            DilationDepth = dilation[0],
            DilationHeight = dilation[1],
            DilationWidth = dilation[2],
            PadDepth = pad[0],
            PadHeight = pad[1],
            PadWidth = pad[2],
            Groups = groups,
        };
    }

    /// <summary>The geometry of a pool: one group a channel.</summary>
    public static ConvolutionGeometry Pool(Window window, Shape input, Shape output)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Convolution(window, input[1], input, output);
    }

    /// <summary>The geometry of a dense layer x [.., K], w [O, K]: all leading axes are rows.</summary>
    public static ConvolutionGeometry Dense(Shape input, Shape weights)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(weights);
        return ConvolutionGeometry.Dense(input.CountOf(0, input.Rank - 1), weights[1], weights[0]);
    }

    /// <summary>
    /// Whether a window reaches behind image and padding, which only rounding the output size up can cause. Such a window has fewer taps inside the padded image than the
    /// kernel has, and the geometry, which holds no padding behind the image, cannot tell: a mean that counts padding then needs the window itself.
    /// </summary>
    public static bool Overruns(Window window, Shape input, Shape output)
    {
        ArgumentNullException.ThrowIfNull(window);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        for (int i = 0; i < window.Rank; i++)
        {
            long last = ((long)(output[i + 2] - 1) * window.Strides[i]) + ((long)window.Dilations[i] * (window.Kernel[i] - 1));
            if (last >= (long)input[i + 2] + window.PadsBegin[i] + window.PadsEnd[i])
            {
                return true;
            }
        }

        return false;
    }

    private static int[] Padded(ImmutableArray<int> values, int fill)
    {
        var result = new int[Axes];
        Array.Fill(result, fill);
        values.CopyTo(result, Axes - values.Length);
        return result;
    }
}
