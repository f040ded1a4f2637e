using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// The mid-rise grid of k bits: values v = 2·code − top, top = 2^k − 1, that is {−1, 1}, {−3, −1, 1, 3} and so on. With fl(·) = rounding to float32:
/// <code>
/// k = 1:  code = 1 where value ≥ 0 (the real 0 and −0 included), otherwise 0
/// k > 1:  code = halfToEven(clamp(fl(fl(value / scale) + top) / 2, 0, top))
/// </code>
/// A NaN gives code 0. One bit does not see its scale.
/// </summary>
public static class MidRise
{
    /// <summary>Encodes one real.</summary>
    /// <param name="value">The real.</param>
    /// <param name="scale">Half the distance of two levels.</param>
    /// <param name="top">2^bits − 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quantize(float value, float scale, int top)
    {
        if (top == 1)
        {
            return value >= 0 ? 1 : 0;
        }

        float quotient = value / scale;
        return Requantization.Finish((quotient + top) * 0.5f, 0, 0, top);
    }

    /// <summary>The odd integer 2·code − top.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ValueOf(int code, int top) => (2 * code) - top;
}
