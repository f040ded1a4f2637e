using System;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>The signed bytes that codes stand for, value = factor · code − zero.</summary>
internal static class CodeValues
{
    /// <summary>Writes the values of unsigned codes; false where one of them needs more than 8 signed bits.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> codes, int factor, int zero, Span<sbyte> values) => Fits(codes, factor, zero) && Write(codes, factor, zero, values);

    /// <summary>Writes the values of signed codes; false where one of them needs more than 8 signed bits.</summary>
    public static bool TryWrite(ReadOnlySpan<sbyte> codes, int factor, int zero, Span<sbyte> values) => Fits(codes, factor, zero) && Write(MemoryMarshal.AsBytes(codes), factor, zero, values);

    // Values that fit are right modulo 256.
    private static bool Write(ReadOnlySpan<byte> codes, int factor, int zero, Span<sbyte> values)
    {
        Span<byte> target = MemoryMarshal.AsBytes(values)[..codes.Length];
        Vector<byte> factors = new((byte)factor), zeros = new((byte)zero);
        int i = 0;
        for (; i <= codes.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            ((new Vector<byte>(codes[i..]) * factors) - zeros).CopyTo(target[i..]);
        }

        for (; i < codes.Length; i++)
        {
            target[i] = (byte)((codes[i] * factor) - zero);
        }

        return true;
    }

    private static bool Fits<T>(ReadOnlySpan<T> codes, int factor, int zero)
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        Vector<T> lows = new(T.MaxValue), highs = new(T.MinValue);
        int i = 0;
        for (; i <= codes.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var next = new Vector<T>(codes[i..]);
            lows = Vector.Min(lows, next);
            highs = Vector.Max(highs, next);
        }

        (T low, T high) = (T.MaxValue, T.MinValue);
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            (low, high) = (T.Min(low, lows[lane]), T.Max(high, highs[lane]));
        }

        for (; i < codes.Length; i++)
        {
            (low, high) = (T.Min(low, codes[i]), T.Max(high, codes[i]));
        }

        return codes.IsEmpty || ((factor * int.CreateChecked(low)) - zero >= sbyte.MinValue && (factor * int.CreateChecked(high)) - zero <= sbyte.MaxValue);
    }
}
