using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The checks that stand before every use of a pointer into planes.</summary>
internal static class PlaneCheck
{
    /// <summary>Throws unless sizes, kinds and bits are ones that the kernels have.</summary>
    public static void Geometry(in PlaneGeometry g)
    {
        Native.NativeCheck.Geometry(g.Convolution);
        bool kinds = g.SourceKind is PlaneKind.MidRise or PlaneKind.Unsigned && g.WeightKind is >= PlaneKind.MidRise and <= PlaneKind.Ternary;
        bool bits = g.SourceBits is 1 or 2 && g.WeightBits is 1 or 2 && (g.WeightKind != PlaneKind.Ternary || g.WeightBits == 2);
        bool padding = g.PaddingCode >= PlaneGeometry.NoPaddingCode && g.PaddingCode < 1 << g.SourceBits;
        if (!kinds || !bits || !padding || !PlaneGeometry.GroupsFit(g.Convolution))
        {
            throw new ArgumentException(
                $"geometry: expected a mid-rise or unsigned source of 1 or 2 bits, weights of 1 or 2 bits (2 for ternary), a padding code of the source and groups of whole words, found {g}.",
                nameof(g));
        }
    }

    /// <summary>Throws unless every weight code is one of its kind.</summary>
    public static void Codes(in PlaneGeometry g, ReadOnlySpan<sbyte> weights)
    {
        (int minimum, int maximum) = PlaneGeometry.CodesOf(g.WeightKind, g.WeightBits);
        int at = weights.IndexOfAnyExceptInRange((sbyte)minimum, (sbyte)maximum);
        if (at >= 0)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"weights: expected codes from {minimum} to {maximum}, found {weights[at]} at {at}."), nameof(weights));
        }
    }

    /// <summary>Checks a table of thresholds over some channels.</summary>
    public static void Thresholds<T>(in ThresholdTable<T> thresholds, int channels)
        where T : unmanaged
    {
        int most = thresholds.PlaneBits == 0 ? ThresholdTable<T>.MostThresholds : (1 << thresholds.PlaneBits) - 1;
        if (thresholds.PlaneBits is < 0 or > PlaneLayout.MostBits || thresholds.Count < 1 || thresholds.Count > most)
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"thresholds: expected 1 to 15 a channel for bytes, 1 for planes of one bit, 1 to 3 for planes of two, found {thresholds.Count} and {thresholds.PlaneBits} bits."),
                nameof(thresholds));
        }

        KernelCheck.AtLeast(thresholds.Values.Length, (long)thresholds.Count * channels, nameof(thresholds));
        if (thresholds.Directions.Length > 0)
        {
            KernelCheck.AtLeast(thresholds.Directions.Length, channels, "directions");
        }
    }

    /// <summary>Checks the epilogue's arrays and the destination.</summary>
    public static void Epilogue(in PlaneEpilogue epilogue, in ConvolutionGeometry g, int destinationBytes)
    {
        if (epilogue.Thresholds.Count == 0)
        {
            KernelCheck.Epilogue(epilogue.Integer, g, destinationBytes);
            return;
        }

        KernelCheck.AtLeast(epilogue.Integer.Bias.Length, g.OutChannels, "bias");
        Thresholds(epilogue.Thresholds, g.OutChannels);
        if (epilogue.Thresholds.PlaneBits > 0 && g.Groups > 1 && g.GroupOutChannels % PlaneLayout.WordBits != 0)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"epilogue: expected output groups of whole words for planes, found {g.GroupOutChannels} channels a group."), nameof(epilogue));
        }

        KernelCheck.AtLeast(destinationBytes, epilogue.Thresholds.DestinationBytes(g.OutPixels, g.OutChannels), "destination");
    }

    /// <summary>Checks planes of some pixels and the codes that stand for them.</summary>
    public static void Planes(int pixels, int channels, int bits, int words, int codes)
    {
        if (pixels < 0 || channels <= 0 || bits is < 1 or > PlaneLayout.MostBits)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"planes: expected pixels of channels of 1 or 2 bits, found {pixels} of {channels} of {bits} bits."), nameof(bits));
        }

        KernelCheck.AtLeast(words, PlaneLayout.Length(pixels, channels, bits), "planes");
        KernelCheck.AtLeast(codes, (long)pixels * channels, "codes");
    }
}
