using System;
using System.Buffers.Binary;
using System.Linq;
using System.Numerics;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// Codes of 1 to 8 bits in a little-endian bit stream: code i occupies the bits [i·b, (i + 1)·b), least significant first; the tail
/// is padded with zero bits. Signed codes are two's complement in b bits. For 4 and 2 bits this is ONNX's order.
/// </summary>
public static class BitPacking
{
    private const int Lane = 8;

    // Of 1, 2 and 4 bits, unsigned and signed in turn.
    private static readonly Lazy<ulong[]>[] _bytes = [.. Enumerable.Range(0, 6).Select(i => new Lazy<ulong[]>(() => CodesOfBytes(1 << (i / 2), i % 2 == 1)))];

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
        int at = 0;
        if (bits is 1 or 2 or 4)
        {
            at = UnpackBytes(packed, _bytes[(BitOperations.Log2((uint)bits) * 2) + (signed ? 1 : 0)].Value, Lane / bits, codes);
        }

        int mask = (1 << bits) - 1;
        int extend = 32 - bits;
        long bit = (long)at * bits;
        for (int i = at; i < codes.Length; i++)
        {
            int first = (int)(bit >> 3);
            int word = packed[first] | (first + 1 < packed.Length ? packed[first + 1] << 8 : 0);
            int code = (word >> (int)(bit & 7)) & mask;
            codes[i] = (byte)(signed ? code << extend >> extend : code);
            bit += bits;
        }
    }

    /// <summary>Whole bytes of codes, as many as may be written eight codes at a time; gives the number of codes.</summary>
    private static int UnpackBytes(ReadOnlySpan<byte> packed, ulong[] unpacked, int each, Span<byte> codes)
    {
        int at = 0;
        for (int i = 0; at <= codes.Length - Lane; i++, at += each)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(codes[at..], unpacked[packed[i]]);
        }

        return at;
    }

    // The codes of every byte, the first one lowest, zeros behind them.
    private static ulong[] CodesOfBytes(int bits, bool signed) => [.. Enumerable.Range(0, 1 << Lane).Select(packed =>
    {
        ulong codes = 0;
        for (int i = 0; i < Lane / bits; i++)
        {
            int code = (packed >> (i * bits)) & ((1 << bits) - 1);
            codes |= (ulong)(byte)(signed ? code << (32 - bits) >> (32 - bits) : code) << (i * Lane);
        }

        return codes;
    })];

    private static int Check(int bits) => bits is >= 1 and <= 8 ? bits : throw new ArgumentOutOfRangeException(nameof(bits), bits, "Packed codes have 1 to 8 bits.");

    private static void CheckLength(int packed, int count, int bits)
    {
        if (packed != PackedLength(count, bits))
        {
            throw new ArgumentException($"{count} codes of {bits} bits: expected {PackedLength(count, bits)} packed bytes, found {packed}.", nameof(packed));
        }
    }
}
