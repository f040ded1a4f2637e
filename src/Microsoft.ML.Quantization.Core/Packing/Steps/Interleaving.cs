using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Codes of few channels, one plane after another, to pixels. Three channels (colour images) go sixteen pixels at a time.</summary>
internal static class Interleaving
{
    /// <summary>Most channels that are worth planes of their own.</summary>
    public const int MostChannels = 4;

    private const int Lanes = 16;

    /// <summary>pixels[i · channels + c] = planes[c · count + i].</summary>
    public static void Run(ReadOnlySpan<byte> planes, int channels, Span<byte> pixels)
    {
        int count = planes.Length / channels;
        int done = channels == 3 && Vector128.IsHardwareAccelerated ? Three(planes, count, pixels) : 0;
        for (int i = done; i < count; i++)
        {
            for (int c = 0; c < channels; c++)
            {
                pixels[(i * channels) + c] = planes[(c * count) + i];
            }
        }
    }

    private static int Three(ReadOnlySpan<byte> planes, int count, Span<byte> pixels)
    {
        ReadOnlySpan<byte> red = planes[..count];
        ReadOnlySpan<byte> green = planes.Slice(count, count);
        ReadOnlySpan<byte> blue = planes.Slice(2 * count, count);
        int i = 0;
        for (; i + Lanes <= count; i += Lanes)
        {
            Vector128<byte> r = Load(red, i);
            Vector128<byte> g = Load(green, i);
            Vector128<byte> b = Load(blue, i);
            Span<byte> target = pixels.Slice(3 * i, 3 * Lanes);

            // An index of 255 gives 0, so that the three parts of a vector can be joined.
            Join(
                Vector128.Shuffle(r, Vector128.Create((byte)0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255, 255, 5)),
                Vector128.Shuffle(g, Vector128.Create((byte)255, 0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255, 255)),
                Vector128.Shuffle(b, Vector128.Create((byte)255, 255, 0, 255, 255, 1, 255, 255, 2, 255, 255, 3, 255, 255, 4, 255)),
                target);
            Join(
                Vector128.Shuffle(r, Vector128.Create((byte)255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255, 10, 255)),
                Vector128.Shuffle(g, Vector128.Create((byte)5, 255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255, 10)),
                Vector128.Shuffle(b, Vector128.Create((byte)255, 5, 255, 255, 6, 255, 255, 7, 255, 255, 8, 255, 255, 9, 255, 255)),
                target[Lanes..]);
            Join(
                Vector128.Shuffle(r, Vector128.Create((byte)255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15, 255, 255)),
                Vector128.Shuffle(g, Vector128.Create((byte)255, 255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15, 255)),
                Vector128.Shuffle(b, Vector128.Create((byte)10, 255, 255, 11, 255, 255, 12, 255, 255, 13, 255, 255, 14, 255, 255, 15)),
                target[(2 * Lanes)..]);
        }

        return i;
    }

    private static Vector128<byte> Load(ReadOnlySpan<byte> plane, int index) => Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(plane.Slice(index, Lanes)));

    private static void Join(Vector128<byte> r, Vector128<byte> g, Vector128<byte> b, Span<byte> target) => (r | g | b).CopyTo(target);
}
