using System;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>Powers of two by their bits.</summary>
internal static class PowerOfTwo
{
    private const float SmallestNormal = 1.17549435e-38f;
    private const int MantissaOfRoot = 0x3504F3;

    /// <summary>The same in lanes; infinities and NaN give 0.</summary>
    public static T Nearest<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T size = x & T.CreateInt(0x7FFFFFFF);
        T power = T.AddInt(size, T.CreateInt(0x7FFFFF - MantissaOfRoot)) & T.CreateInt(0x7F800000);
        T isNumber = T.Select(T.Less(size, T.Create(SmallestNormal)), T.CreateInt(0), T.Less(size, T.Create(float.PositiveInfinity)));
        return T.Select(isNumber, power | (x & T.CreateInt(int.MinValue)), T.CreateInt(0));
    }

    /// <summary>sign(x)·2^round(log2 |x|), 0 for 0 and what is smaller than 2^−126 or not finite: a mantissa above √2 rounds up.</summary>
    public static float Nearest(float x)
    {
        float size = MathF.Abs(x);
        if (size < SmallestNormal || !float.IsFinite(size))
        {
            return 0;
        }

        int bits = BitConverter.SingleToInt32Bits(size);
        float mantissa = BitConverter.Int32BitsToSingle((bits & 0x7FFFFF) | 0x3F800000);
        float power = BitConverter.Int32BitsToSingle(bits & 0x7F800000);
        return MathF.CopySign(mantissa > 1.41421354f ? power * 2 : power, x);
    }
}
