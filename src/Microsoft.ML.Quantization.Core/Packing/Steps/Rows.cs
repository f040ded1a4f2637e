using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>The work units of depthwise convolutions and pools.</summary>
internal static class Rows
{
    /// <summary>A depthwise tap or a pooled tap costs about as much as this many byte products of a convolution.</summary>
    public const int WorkPerTap = 8;

    /// <summary>Output rows.</summary>
    public static int Count(in ConvolutionGeometry geometry) => geometry.Batch * geometry.OutDepth * geometry.OutHeight;
}
