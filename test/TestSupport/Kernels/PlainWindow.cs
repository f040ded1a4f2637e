using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>Where the taps of an output pixel lie in the input.</summary>
internal static class PlainWindow
{
    /// <summary>Index of the input pixel (not value) which tap (kd, kh, kw) of an output pixel reads, or −1 in padding.</summary>
    public static int InputPixel(in ConvolutionGeometry g, int outPixel, int tap)
    {
        int column = outPixel % g.OutWidth;
        int row = outPixel / g.OutWidth % g.OutHeight;
        int plane = outPixel / g.OutWidth / g.OutHeight % g.OutDepth;
        int image = outPixel / g.OutWidth / g.OutHeight / g.OutDepth;
        int x = (column * g.StrideWidth) - g.PadWidth + (tap % g.KernelWidth * g.DilationWidth);
        int y = (row * g.StrideHeight) - g.PadHeight + (tap / g.KernelWidth % g.KernelHeight * g.DilationHeight);
        int z = (plane * g.StrideDepth) - g.PadDepth + (tap / g.KernelWidth / g.KernelHeight * g.DilationDepth);
        bool inside = x >= 0 && x < g.InWidth && y >= 0 && y < g.InHeight && z >= 0 && z < g.InDepth;
        return inside ? (((((image * g.InDepth) + z) * g.InHeight) + y) * g.InWidth) + x : -1;
    }

    /// <summary>Output pixels of one output row.</summary>
    public static (int Begin, int End) RowPixels(in ConvolutionGeometry g, int rowBegin, int rowEnd) => (rowBegin * g.OutWidth, rowEnd * g.OutWidth);
}
