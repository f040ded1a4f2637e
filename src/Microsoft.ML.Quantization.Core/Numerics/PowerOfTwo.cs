using System;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>Powers of two by their bits.</summary>
internal static class PowerOfTwo
{
    /// <summary>sign(x)·2^round(log2 |x|), 0 for 0 and what is smaller than 2^−126 or not finite: a mantissa above √2 rounds up.</summary>
    public static float Nearest(float x)
    {
        float size = MathF.Abs(x);
        if (size < 1.17549435e-38f || !float.IsFinite(size))
        {
            return 0;
        }

        int bits = BitConverter.SingleToInt32Bits(size);
        float mantissa = BitConverter.Int32BitsToSingle((bits & 0x7FFFFF) | 0x3F800000);
        float power = BitConverter.Int32BitsToSingle(bits & 0x7F800000);
        return MathF.CopySign(mantissa > 1.41421354f ? power * 2 : power, x);
    }
}
