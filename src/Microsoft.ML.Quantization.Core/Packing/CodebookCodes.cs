using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Weights that stay codes in memory: at most 16 integer levels, one book for the layer, or one for every 64 channels (or a multiple) of a layer without groups.</summary>
/// <param name="Codes">The codes [O, ..].</param>
/// <param name="Book">Their levels.</param>
internal sealed record CodebookCodes(Tensor Codes, Codebook Book)
{
    /// <summary>The codes of a layer's weights, or null when they are to be decoded.</summary>
    public static CodebookCodes? TryCreate(Tensor codes, AffineQuantization quantizer, int groups)
    {
        bool aligned = quantizer.Codebook is { } book && (book.Books == 1 || (groups == 1 && book.ChannelsPerBook % KernelSet.CodebookChannels == 0));
        return aligned && quantizer.Codebook is { IsInteger: true, Entries: <= KernelSet.CodebookLevels } found ? new CodebookCodes(codes, found) : null;
    }

    /// <summary>Packs the codes, their rows brought into the kernels' order of taps and channels.</summary>
    public PackedWeights Pack(KernelSet kernels, ConvolutionGeometry geometry, int channels)
    {
        int rows = Codes.Shape[0];
        var levels = new sbyte[rows * KernelSet.CodebookLevels];
        for (int row = 0; row < rows; row++)
        {
            Book.Integers.AsSpan().Slice(Book.BookOf(row) * Book.Entries, Book.Entries).CopyTo(levels.AsSpan(row * KernelSet.CodebookLevels));
        }

        return WeightOrder.Pack(Codes.Values<byte>(), rows, channels, codes => kernels.PackConvolutionCodebook(geometry, codes, levels));
    }
}
