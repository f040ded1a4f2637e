using System;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// Codes of 1 to 8 bits in a little-endian bit stream: code i occupies the bits [i·b, (i + 1)·b), least significant first; the tail
/// is padded with zero bits. Signed codes are two's complement in b bits. For 4 and 2 bits this is ONNX's order.
/// </summary>
public static class BitPacking
{
    /// <summary>Bytes that <paramref name="count"/> codes take: ⌈count · bits / 8⌉.</summary>
    public static int PackedLength(int count, int bits) => checked((int)((((long)count * Check(bits)) + 7) / 8));

    /// <summary>Packs the low <paramref name="bits"/> bits of each byte.</summary>
    /// <exception cref="ArgumentException"><paramref name="packed"/> does not have <see cref="PackedLength"/> bytes.</exception>
    public static void Pack(ReadOnlySpan<byte> codes, int bits, Span<byte> packed)
    {
        CheckLength(packed.Length, codes.Length, bits);
        packed.Clear();
        int mask = (1 << bits) - 1;
        long bit = 0;
        foreach (byte code in codes)
        {
            int at = (int)(bit >> 3);
            int shifted = (code & mask) << (int)(bit & 7);
            packed[at] |= (byte)shifted;
            if (shifted > byte.MaxValue)
            {
                packed[at + 1] |= (byte)(shifted >> 8);
            }

            bit += bits;
        }
    }

    /// <summary>Unpacks into one byte a code; signed codes are sign-extended to eight bits.</summary>
    /// <exception cref="ArgumentException"><paramref name="packed"/> does not have <see cref="PackedLength"/> bytes.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, int bits, bool signed, Span<byte> codes)
    {
        CheckLength(packed.Length, codes.Length, bits);
        int mask = (1 << bits) - 1;
        int extend = 32 - bits;
        long bit = 0;
        for (int i = 0; i < codes.Length; i++)
        {
            int at = (int)(bit >> 3);
            int word = packed[at] | (at + 1 < packed.Length ? packed[at + 1] << 8 : 0);
            int code = (word >> (int)(bit & 7)) & mask;
            codes[i] = (byte)(signed ? code << extend >> extend : code);
            bit += bits;
        }
    }

    private static int Check(int bits) => bits is >= 1 and <= 8 ? bits : throw new ArgumentOutOfRangeException(nameof(bits), bits, "Packed codes have 1 to 8 bits.");

    private static void CheckLength(int packed, int count, int bits)
    {
        if (packed != PackedLength(count, bits))
        {
            throw new ArgumentException($"{count} codes of {bits} bits: expected {PackedLength(count, bits)} packed bytes, found {packed}.", nameof(packed));
        }
    }
}
