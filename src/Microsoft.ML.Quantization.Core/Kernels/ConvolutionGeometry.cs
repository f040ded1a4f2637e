using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Sizes of a convolution over channels-last data [Batch, InDepth, InHeight, InWidth, InChannels]; lower ranks set depth
/// (and height) to 1. A dense layer with M rows is Batch = M, every spatial size and kernel size 1. The layout equals the
/// native <c>mlq_geometry</c>: 23 consecutive int32.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ConvolutionGeometry
{
    /// <summary>The largest size of a weight where <see cref="WeightBits"/> is 7.</summary>
    public const int LargestSevenBitWeight = 64;

    /// <summary>Number of images.</summary>
    public int Batch { get; init; }

    /// <summary>Input planes.</summary>
    public int InDepth { get; init; }

    /// <summary>Input rows.</summary>
    public int InHeight { get; init; }

    /// <summary>Input columns.</summary>
    public int InWidth { get; init; }

    /// <summary>Input channels, all groups together.</summary>
    public int InChannels { get; init; }

    /// <summary>Output planes.</summary>
    public int OutDepth { get; init; }

    /// <summary>Output rows.</summary>
    public int OutHeight { get; init; }

    /// <summary>Output columns.</summary>
    public int OutWidth { get; init; }

    /// <summary>Output channels, all groups together.</summary>
    public int OutChannels { get; init; }

    /// <summary>Kernel planes.</summary>
    public int KernelDepth { get; init; }

    /// <summary>Kernel rows.</summary>
    public int KernelHeight { get; init; }

    /// <summary>Kernel columns.</summary>
    public int KernelWidth { get; init; }

    /// <summary>Step over planes.</summary>
    public int StrideDepth { get; init; }

    /// <summary>Step over rows.</summary>
    public int StrideHeight { get; init; }

    /// <summary>Step over columns.</summary>
    public int StrideWidth { get; init; }

    /// <summary>Distance between kernel planes.</summary>
    public int DilationDepth { get; init; }

    /// <summary>Distance between kernel rows.</summary>
    public int DilationHeight { get; init; }

    /// <summary>Distance between kernel columns.</summary>
    public int DilationWidth { get; init; }

    /// <summary>Padding before the first plane (padding behind follows from the output size).</summary>
    public int PadDepth { get; init; }

    /// <summary>Padding above the first row.</summary>
    public int PadHeight { get; init; }

    /// <summary>Padding left of the first column.</summary>
    public int PadWidth { get; init; }

    /// <summary>Number of groups; divides both channel counts.</summary>
    public int Groups { get; init; }

    /// <summary>
    /// 7 where no weight of an integer convolution is larger than 64 in size, 0 for any of 8 bits and for everything else. Weights are packed in another way then, and processors that multiply bytes without
    /// dot products of 32 bits take about two thirds of the time: two products of a code and such a weight cannot leave 16 bits.
    /// </summary>
    public int WeightBits { get; init; }

    /// <summary>Kernel positions.</summary>
    public int Taps => KernelDepth * KernelHeight * KernelWidth;

    /// <summary>Output pixels over the whole batch.</summary>
    public int OutPixels => Batch * OutDepth * OutHeight * OutWidth;

    /// <summary>Input channels of one group.</summary>
    public int GroupInChannels => InChannels / Groups;

    /// <summary>Output channels of one group.</summary>
    public int GroupOutChannels => OutChannels / Groups;

    /// <summary>Length of one output's chain of products: Taps · GroupInChannels.</summary>
    public int Depth => Taps * GroupInChannels;

    /// <summary>One group a channel, with one output each.</summary>
    public bool IsDepthwise => Groups > 1 && Groups == InChannels && Groups == OutChannels;

    /// <summary>Values of the input.</summary>
    public long InLength => (long)Batch * InDepth * InHeight * InWidth * InChannels;

    /// <summary>Values of the output.</summary>
    public long OutLength => (long)OutPixels * OutChannels;

    /// <summary>The geometry of a dense layer: <paramref name="rows"/> × <paramref name="inputs"/> → <paramref name="rows"/> × <paramref name="outputs"/>.</summary>
    public static ConvolutionGeometry Dense(int rows, int inputs, int outputs) => new()
    {
        Batch = rows,
        InDepth = 1,
        InHeight = 1,
        InWidth = 1,
        InChannels = inputs,
        OutDepth = 1,
        OutHeight = 1,
        OutWidth = 1,
        OutChannels = outputs,
        KernelDepth = 1,
        KernelHeight = 1,
        KernelWidth = 1,
        StrideDepth = 1,
        StrideHeight = 1,
        StrideWidth = 1,
        DilationDepth = 1,
        DilationHeight = 1,
        DilationWidth = 1,
        Groups = 1,
    };
}
