using System;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Integer weights as codes of a plane kind: the narrowest kind that has all their values.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Bits">Bits of a code.</param>
internal readonly record struct PlaneWeightCodes(PlaneKind Kind, int Bits)
{
    private static readonly PlaneWeightCodes[] _narrowFirst =
    [
        new(PlaneKind.MidRise, 1), new(PlaneKind.Unsigned, 1), new(PlaneKind.Signed, 1), new(PlaneKind.Ternary, 2), new(PlaneKind.MidRise, 2), new(PlaneKind.Signed, 2), new(PlaneKind.Unsigned, 2),
    ];

    /// <summary>The kind of some values, or null when no kind has them all.</summary>
    public static PlaneWeightCodes? Of(ReadOnlySpan<sbyte> values)
    {
        bool[] present = new bool[256];
        foreach (sbyte value in values)
        {
            present[(byte)value] = true;
        }

        int[] distinct = [.. Enumerable.Range(0, 256).Where(i => present[i]).Select(i => (int)(sbyte)i)];
        foreach (PlaneWeightCodes kind in _narrowFirst)
        {
            if (distinct.All(kind.Has))
            {
                return kind;
            }
        }

        return null;
    }

    /// <summary>The codes of values.</summary>
    public sbyte[] Encode(sbyte[] values)
    {
        int top = (1 << Bits) - 1;
        return Kind == PlaneKind.MidRise ? Array.ConvertAll(values, v => (sbyte)((v + top) / 2)) : values;
    }

    private bool Has(int value)
    {
        int top = (1 << Bits) - 1;
        (int minimum, int maximum) = PlaneGeometry.CodesOf(Kind, Bits);
        return Kind == PlaneKind.MidRise ? ((value + top) & 1) == 0 && Math.Abs(value) <= top : value >= minimum && value <= maximum;
    }
}
