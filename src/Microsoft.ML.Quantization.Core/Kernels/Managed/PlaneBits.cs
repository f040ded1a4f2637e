using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Codes of one byte to bit planes and back, 32 channels at once.</summary>
internal static unsafe class PlaneBits
{
    private const int Word = PlaneLayout.WordBits;

    public static void Pack(int pixels, int channels, int bits, ReadOnlySpan<byte> codes, Span<uint> planes)
    {
        PlaneCheck.Planes(pixels, channels, bits, planes.Length, codes.Length);
        int words = PlaneLayout.Words(channels);
        byte* rest = stackalloc byte[Word];
        fixed (byte* source = codes)
        fixed (uint* destination = planes)
        {
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                byte* x = source + ((long)pixel * channels);
                uint* y = destination + ((long)pixel * bits * words);
                for (int word = 0; word < words; word++)
                {
                    PackWord(Whole(x, word * Word, channels, rest), y + word, words, bits);
                }
            }
        }
    }

    public static void Unpack(int pixels, int channels, int bits, ReadOnlySpan<uint> planes, Span<byte> codes)
    {
        PlaneCheck.Planes(pixels, channels, bits, planes.Length, codes.Length);
        int words = PlaneLayout.Words(channels);
        byte* rest = stackalloc byte[Word];
        fixed (uint* source = planes)
        fixed (byte* destination = codes)
        {
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                uint* x = source + ((long)pixel * bits * words);
                byte* y = destination + ((long)pixel * channels);
                for (int word = 0; word < words; word++)
                {
                    int count = Math.Min(Word, channels - (word * Word));
                    byte* to = count == Word ? y + (word * Word) : rest;
                    UnpackWord(x + word, words, bits, to);
                    if (count < Word)
                    {
                        Buffer.MemoryCopy(rest, y + (word * Word), count, count);
                    }
                }
            }
        }
    }

    /// <summary>32 codes from channel <paramref name="first"/> on; a buffer filled up with zeros where there are fewer.</summary>
    private static byte* Whole(byte* codes, int first, int channels, byte* rest)
    {
        if (first + Word <= channels)
        {
            return codes + first;
        }

        new Span<byte>(rest, Word).Clear();
        Buffer.MemoryCopy(codes + first, rest, Word, channels - first);
        return rest;
    }

    private static void PackWord(byte* codes, uint* plane, int words, int bits)
    {
        Vector256<ushort> values = Vector256.Load(codes).AsUInt16();
        for (int bit = 0; bit < bits; bit++, plane += words)
        {
            *plane = Vector256.ShiftLeft(values, 7 - bit).AsByte().ExtractMostSignificantBits();
        }
    }

    private static void UnpackWord(uint* plane, int words, int bits, byte* codes)
    {
        Vector256<byte> masks = Vector256.Create(0x8040201008040201ul).AsByte();
        Vector256<byte> sum = Vector256<byte>.Zero;
        for (int bit = 0; bit < bits; bit++, plane += words)
        {
            Vector256<byte> spread = Vector256.Create(Spread(*plane), Spread(*plane >> 16));
            sum += Vector256.Equals(spread & masks, masks) & Vector256.Create((byte)(1 << bit));
        }

        sum.Store(codes);
    }

    /// <summary>The lowest byte eight times, then the next one eight times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Spread(uint value)
        => Vector128.Create((value & 0xFF) * 0x0101010101010101ul, ((value >> 8) & 0xFF) * 0x0101010101010101ul).AsByte();
}
