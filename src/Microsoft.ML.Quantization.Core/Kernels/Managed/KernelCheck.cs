using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The length checks that stand before every use of a pointer.</summary>
internal static class KernelCheck
{
    /// <summary>Throws unless a span holds at least <paramref name="expected"/> values.</summary>
    public static void AtLeast(int found, long expected, string name)
    {
        if (found < expected)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{name}: expected at least {expected} values, found {found}."), name);
        }
    }

    /// <summary>Throws unless packed weights have the layout and size that a kernel reads.</summary>
    public static void Weights(PackedWeights weights, string layout, long byteLength)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Layout != layout || weights.ByteLength < byteLength)
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"weights: expected layout {layout} of {byteLength} bytes, found {weights.Layout} of {weights.ByteLength}. Pack them with the kernel set that runs them."),
                nameof(weights));
        }
    }

    /// <summary>Throws unless 0 ≤ begin and end ≤ count.</summary>
    public static void Tiles(int begin, int end, long count)
    {
        if (begin < 0 || end > count)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"tiles: expected a range inside [0, {count}), found [{begin}, {end})."), nameof(begin));
        }
    }

    /// <summary>Checks the epilogue's arrays and the destination.</summary>
    public static void Epilogue(in IntegerEpilogue epilogue, in ConvolutionGeometry geometry, int destinationBytes)
    {
        AtLeast(epilogue.Bias.Length, geometry.OutChannels, "bias");
        if (epilogue.Output != AccumulatorOutput.Int32)
        {
            AtLeast(epilogue.Multipliers.Length, geometry.OutChannels, "multipliers");
            AtLeast(epilogue.Offsets.Length, geometry.OutChannels, "offsets");
        }

        AtLeast(destinationBytes, geometry.OutLength * ElementSize(epilogue.Output), "destination");
    }

    /// <summary>Bytes of one written value.</summary>
    public static int ElementSize(AccumulatorOutput output) => output switch
    {
        AccumulatorOutput.UInt8 => 1,
        AccumulatorOutput.Int16 => 2,
        _ => 4,
    };
}
