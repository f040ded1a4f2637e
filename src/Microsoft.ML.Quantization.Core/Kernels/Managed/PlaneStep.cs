using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>One word of the source that meets one row of 32 words of a panel; the native <c>mlq_plane_step</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct PlaneStep(long Source, long Weights)
{
    /// <summary>Words from the first tap inside the image.</summary>
    public long Source { get; } = Source;

    /// <summary>Bytes from the beginning of the panel's plane.</summary>
    public long Weights { get; } = Weights;
}
