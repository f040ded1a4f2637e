using System;
using System.Buffers;
using System.Linq;
using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Integer weights as codes of a plane kind: the narrowest kind that has all their values.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Bits">Bits of a code.</param>
internal readonly record struct PlaneWeightCodes(PlaneKind Kind, int Bits)
{
    private static readonly (PlaneWeightCodes Kind, SearchValues<byte> Values)[] _narrowFirst =
    [
        .. new PlaneWeightCodes[]
        {
            new(PlaneKind.MidRise, 1), new(PlaneKind.Unsigned, 1), new(PlaneKind.Signed, 1), new(PlaneKind.Ternary, 2), new(PlaneKind.MidRise, 2), new(PlaneKind.Signed, 2), new(PlaneKind.Unsigned, 2),
        }.Select(k => (k, SearchValues.Create([.. Enumerable.Range(sbyte.MinValue, 1 << 8).Where(k.Has).Select(v => (byte)v)]))),
    ];

    /// <summary>The kind of some values, or null when no kind has them all.</summary>
    public static PlaneWeightCodes? Of(ReadOnlySpan<sbyte> values)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        foreach ((PlaneWeightCodes kind, SearchValues<byte> has) in _narrowFirst)
        {
            if (!bytes.ContainsAnyExcept(has))
            {
                return kind;
            }
        }

        return null;
    }

    /// <summary>The codes of values, in their place.</summary>
    public sbyte[] Encode(sbyte[] values)
    {
        if (Kind != PlaneKind.MidRise)
        {
            return values;
        }

        // Values and the highest code are odd and small: their sum is even and below 2^7.
        var top = (byte)((1 << Bits) - 1);
        Span<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
        int i = 0;
        for (; i <= bytes.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.ShiftRightLogical(new Vector<byte>(bytes[i..]) + new Vector<byte>(top), 1).CopyTo(bytes[i..]);
        }

        for (; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((byte)(bytes[i] + top) >> 1);
        }

        return values;
    }

    private bool Has(int value)
    {
        int top = (1 << Bits) - 1;
        (int minimum, int maximum) = PlaneGeometry.CodesOf(Kind, Bits);
        return Kind == PlaneKind.MidRise ? ((value + top) & 1) == 0 && Math.Abs(value) <= top : value >= minimum && value <= maximum;
    }
}
