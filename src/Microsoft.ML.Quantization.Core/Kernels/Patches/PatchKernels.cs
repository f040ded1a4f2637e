using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// The products of training, channels-last: patches of the input as rows of a matrix, times weights (forward, and back to the input) or times the output's gradient (back to the
/// weights). Every output is one chain acc = fma(a, b, acc) from +0, so that no vector width and no split changes a bit. Padding is a patch value of 0 and not skipped: with
/// finite weights that is the same number, and the same bits after the bias unless the bias is −0.
/// </summary>
internal abstract class PatchKernels
{
    private static readonly PatchKernels _lanes128 = new LanePatchKernels<Lanes128>();
    private static readonly PatchKernels _lanes256 = new LanePatchKernels<Lanes256>();
    private static readonly PatchKernels _lanes512 = new LanePatchKernels<Lanes512>();

    /// <summary>The kernels at the vector width of a set.</summary>
    public static PatchKernels Of(KernelSet kernels) => Of(kernels is ManagedKernels managed ? managed.VectorBits : ManagedKernels.WidestHardwareBits);

    /// <summary>The kernels at a vector width: 128, 256 or 512 bits.</summary>
    public static PatchKernels Of(int vectorBits) => vectorBits == Vector128<byte>.Count * 8 ? _lanes128 : vectorBits == Vector256<byte>.Count * 8 ? _lanes256 : _lanes512;

    /// <summary>Floats of packed weights.</summary>
    public abstract int PanelLength(PanelOrder order);

    /// <summary>Packs weights for <see cref="Product"/>; gives whether all are finite.</summary>
    public abstract bool Pack(PanelOrder order, ReadOnlySpan<float> weights, Span<float> panels);

    /// <summary>Number of independent tiles of <see cref="Product"/>.</summary>
    public abstract int CountTiles(in ConvolutionGeometry geometry);

    /// <summary>destination[pixel][output] = clamp(Σ patch · weights + bias), k ascending in (kd, kh, kw, c).</summary>
    /// <param name="geometry">The sizes; padding may be negative.</param>
    /// <param name="source">Input, channels last.</param>
    /// <param name="panels">From <see cref="Pack"/>.</param>
    /// <param name="bias">OutChannels values, or none.</param>
    /// <param name="clamp">The bounds, as in <see cref="KernelSet.ConvolutionFloat"/>.</param>
    /// <param name="destination">Output, channels last.</param>
    /// <param name="placement">Where in the output each pixel goes.</param>
    /// <param name="tiles">First tile, and behind the last.</param>
    public abstract void Product(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> panels,
        ReadOnlySpan<float> bias,
        (float Low, float High) clamp,
        Span<float> destination,
        in PatchPlacement placement,
        (int Begin, int End) tiles);

    /// <summary>Floats of the sums of <see cref="Outer"/> for some outputs.</summary>
    public abstract int SumsLength(in ConvolutionGeometry geometry, int outputs);

    /// <summary>Floats from one output's sums to the next one's.</summary>
    public abstract int SumsPitch(in ConvolutionGeometry geometry);

    /// <summary>sums[output][k] = Σ gradient[pixel][output] · patch[pixel][k] over the pixels of some images, pixel after pixel.</summary>
    /// <param name="geometry">The sizes of the way forward.</param>
    /// <param name="source">Input, channels last.</param>
    /// <param name="gradient">Of the output, channels last.</param>
    /// <param name="images">First image, and behind the last.</param>
    /// <param name="outputs">First output channel, and behind the last; all of one group.</param>
    /// <param name="sums">Written; rows <see cref="SumsPitch"/> apart.</param>
    public abstract void Outer(
        in ConvolutionGeometry geometry,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> gradient,
        (int Begin, int End) images,
        (int Begin, int End) outputs,
        Span<float> sums);
}
