using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>The rounding rule of every uniform grid: to the nearest integer, ties to the even one. No other place calls Math.Round.</summary>
public static class Rounding
{
    /// <summary>Nearest integer, ties to even. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HalfToEven(float value) => MathF.Round(value, MidpointRounding.ToEven);

    /// <summary>Nearest integer, ties to even. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double HalfToEven(double value) => Math.Round(value, MidpointRounding.ToEven);

    /// <summary>Nearest integers, ties to even. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> HalfToEven(Vector256<float> values) => Vector256.Round(values, MidpointRounding.ToEven);
}
