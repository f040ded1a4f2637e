namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Codes of 1 or 2 bits as bit planes, channels last: [pixel][plane][word] of uint32, plane 0 holding the lowest bits. Channel c is bit c % 32 of word c / 32; the
/// bits behind the last channel are 0, and kernels rely on it.
/// </summary>
public static class PlaneLayout
{
    /// <summary>Most bits of a code in planes.</summary>
    public const int MostBits = 2;

    /// <summary>Bits of a word.</summary>
    public const int WordBits = 32;

    /// <summary>Words of one plane of one pixel: ⌈channels / 32⌉.</summary>
    public static int Words(int channels) => (channels + WordBits - 1) / WordBits;

    /// <summary>Words of some pixels.</summary>
    public static long Length(long pixels, int channels, int bits) => pixels * bits * Words(channels);
}
