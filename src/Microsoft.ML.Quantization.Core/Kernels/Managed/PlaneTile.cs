using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// What a kernel is given to do at once: pixels whose windows have the same taps inside the image × neighbouring panels of one group. The native
/// <c>mlq_plane_tile</c>, field by field.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PlaneTile
{
    /// <summary>The source's first word.</summary>
    public uint* Source;

    /// <summary>The first panel.</summary>
    public byte* Panels;

    /// <summary>The words to count, [StepCount].</summary>
    public PlaneStep* Steps;

    /// <summary>Word of each pixel's first tap inside the image, [Pixels].</summary>
    public long* Sources;

    /// <summary>Each pixel's place in the output, in pixels, [Pixels].</summary>
    public long* Outputs;

    /// <summary>What is added to the counts beside the bias, [PanelCount][32].</summary>
    public int* Constants;

    /// <summary>The output's first byte.</summary>
    public byte* Destination;

    /// <summary>What follows where there are no thresholds, and the bias.</summary>
    public NativeEpilogue* Epilogue;

    /// <summary>[ThresholdCount][OutChannels].</summary>
    public int* Thresholds;

    /// <summary>[OutChannels], or null.</summary>
    public int* Directions;

    /// <summary>Bytes between panels.</summary>
    public long PanelBytes;

    /// <summary>Bytes between planes of a panel.</summary>
    public long PlaneBytes;

    /// <summary>Bytes before the words of a panel.</summary>
    public int WordsBegin;

    /// <summary>Words between planes of the source.</summary>
    public int SourceWords;

    /// <summary>Number of steps of a plane.</summary>
    public int StepCount;

    /// <summary>Number of pixels.</summary>
    public int Pixels;

    /// <summary>Number of panels.</summary>
    public int PanelCount;

    /// <summary>First output channel of the first panel.</summary>
    public int Channel;

    /// <summary>Behind the last output channel of the group.</summary>
    public int ChannelEnd;

    /// <summary>All output channels.</summary>
    public int OutChannels;

    /// <summary>A <see cref="PlaneOperation"/>.</summary>
    public int Operation;

    /// <summary>Planes of the source.</summary>
    public int SourceBits;

    /// <summary>Planes of the weights.</summary>
    public int WeightPlanes;

    /// <summary>1 where the counts are taken twice.</summary>
    public int Doubles;

    /// <summary>1 where the top plane of the weights counts negatively.</summary>
    public int TopIsNegative;

    /// <summary>Thresholds of a channel; 0 for none.</summary>
    public int ThresholdCount;

    /// <summary>Bits of output planes; 0 for bytes.</summary>
    public int PlaneBits;
}
