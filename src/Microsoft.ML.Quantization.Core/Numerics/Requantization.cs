using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// The one requantization rule. With fl(·) = rounding to float32, no fused multiply-add:
/// <code>
/// t    = fl(fl(float(accumulator) · multiplier) + offset)
/// t    = clamp(t, minimum − zeroPoint, maximum − zeroPoint)      // before the conversion: x86 turns 3e9 into INT_MIN
/// code = halfToEven(t) + zeroPoint
/// </code>
/// A NaN, which no finite multiplier produces, gives the zero point.
/// </summary>
public static class Requantization
{
    /// <summary>Accumulator to code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Apply(int accumulator, float multiplier, float offset, int zeroPoint, int minimum, int maximum)
    {
        float product = (float)accumulator * multiplier;
        return Finish(product + offset, zeroPoint, minimum, maximum);
    }

    /// <summary>Residual add: fl(fl(a · ma) + fl(b · mb)), a and b being codes without their zero points; then the same tail.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Add(int a, float multiplierA, int b, float multiplierB, int zeroPoint, int minimum, int maximum)
    {
        float left = (float)a * multiplierA;
        float right = (float)b * multiplierB;
        return Finish(left + right, zeroPoint, minimum, maximum);
    }

    /// <summary>Entry: halfToEven(clamp(value / scale)) + zeroPoint; a division, as ONNX has it; NaN gives the zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quantize(float value, float scale, int zeroPoint, int minimum, int maximum)
        => Finish(value / scale, zeroPoint, minimum, maximum);

    /// <summary>Exit: fl(float(code − zeroPoint) · scale).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dequantize(int code, float scale, int zeroPoint) => (float)(code - zeroPoint) * scale;

    /// <summary>The common tail: clamp in float, round half to even, add the zero point in integers; NaN gives the zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Finish(float t, int zeroPoint, int minimum, int maximum)
    {
        float low = minimum - zeroPoint;
        float high = maximum - zeroPoint;
        t = t < low ? low : t > high ? high : t;
        return float.IsNaN(t) ? zeroPoint : (int)Rounding.HalfToEven(t) + zeroPoint;
    }
}
