using System;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels;

/// <content>Weights that are codes of at most 4 bits and look up signed bytes.</content>
public abstract partial class KernelSet
{
    /// <summary>Levels of a channel for <see cref="PackConvolutionCodebook"/>; codes are below it.</summary>
    public const int CodebookLevels = 16;

    /// <summary>Channels of a group, counted from its first, that have the same levels: each such run, the last one cut off.</summary>
    public const int CodebookChannels = 64;

    /// <summary>
    /// Packs codes given as [OutChannels][KernelDepth][KernelHeight][KernelWidth][GroupInChannels] for <see cref="ConvolutionByte"/>, which then multiplies by levels[channel][code]. A set that
    /// has a form for it keeps half a byte a code and looks levels up in registers, or for a panel of channels at once; the others decode here.
    /// </summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="codes">Below <see cref="CodebookLevels"/>.</param>
    /// <param name="levels">[OutChannels][<see cref="CodebookLevels"/>].</param>
    public virtual PackedWeights PackConvolutionCodebook(in ConvolutionGeometry geometry, ReadOnlySpan<byte> codes, ReadOnlySpan<sbyte> levels)
    {
        KernelCheck.Codebook(geometry, codes, levels);
        var weights = new sbyte[geometry.OutChannels * geometry.Depth];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = levels[(i / geometry.Depth * CodebookLevels) + codes[i]];
        }

        return PackConvolutionByte(geometry, weights);
    }
}
