using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What the parts of WAGE share (Wu et al., 2018): grids of step σ(k) = 2^(1−k) inside ±(1 − σ), and powers of two instead of scales.</summary>
internal static class FixedPoint
{
    /// <summary>Magnitudes below it count as 0.</summary>
    private const float Nothing = 1e-36f;
    private const int MantissaOfRoot = 0x3504F4;
    private const int OneExponent = 0x00800000;
    private const int ExponentBits = 0x7F800000;

    /// <summary>σ(k).</summary>
    public static float Step(int bits) => 1f / (1 << (bits - 1));

    /// <summary>Highest code of k bits.</summary>
    public static int Top(int bits) => (1 << (bits - 1)) - 1;

    /// <summary>2^round(log₂ v) of a positive v: the power of two whose ratio to v lies between 1/√2 and √2.</summary>
    public static float Shift(float value)
        => BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(value) + (OneExponent - MantissaOfRoot)) & ExponentBits);

    /// <summary>Shift of the largest magnitude; 0 for (next to) nothing.</summary>
    public static float ShiftOf(ReadOnlySpan<float> values)
    {
        float size = Math.Max(FloatReduction.Max(values), -FloatReduction.Min(values));
        return size > Nothing && float.IsFinite(size) ? Shift(size) : 0;
    }

    /// <summary>y = to · clamp(round(x / from), −top, top).</summary>
    public static void Quantize(ReadOnlySpan<float> x, float from, float to, int top, Span<float> y) => LaneMap.Map(new Snap(from, to, top), x, y);

    private readonly struct Snap(float from, float to, int top) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            (T low, T high) = (T.Create(-top), T.Create(top));
            T u = x / T.Create(from);
            u = T.Select(T.Less(u, low), low, T.Select(T.Less(high, u), high, u));

            // + 0 turns −0 into the +0 that a code decodes to.
            return (T.Round(u) + T.Create(0)) * T.Create(to);
        }
    }
}
