using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <content>The sequences themselves, over any number of lanes. The polynomials are interpolations at Chebyshev nodes, rounded to float.</content>
public static partial class FloatMath
{
    private const int SignBit = int.MinValue;

    /// <summary>
    /// n = round(x · log2 e), r + low = x − n·ln 2 in two steps, e^r = s + (r²·Q(r) + (r − (s − 1) + low)) with s = 1 + r, then · 2^⌊n/2⌋ · 2^(n−⌊n/2⌋),
    /// so that results below the normal range are rounded once.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Exp<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T limited = T.Greater(T.Create(-105f), T.Lesser(T.Create(89f), x));
        T power = ExpPower(limited, out T exponent);
        T half = T.ShiftRight(exponent, 1);
        return T.OrNan(x, power * PowerOfTwo(half) * PowerOfTwo(T.SubtractInt(exponent, half)));
    }

    /// <summary>The same bits for |x| ≤ 87, in fewer operations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T ExpOfNear<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T power = ExpPower(x, out T exponent);
        return power * PowerOfTwo(exponent);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T ExpPower<T>(T limited, out T exponent)
        where T : unmanaged, ILanes<T>
    {
        T n = T.Round(limited * T.Create(1.44269502f));
        T high = T.Fma(n, T.Create(-0.693115234375f), limited);
        T r = T.Fma(n, T.Create(-3.19461833e-05f), high);
        T low = T.Fma(n, T.Create(-3.19461833e-05f), high - r);
        T q = T.Fma(T.Create(0.000198909824f), r, T.Create(0.00139336428f));
        q = T.Fma(q, r, T.Create(0.00833331048f));
        q = T.Fma(q, r, T.Create(0.0416664667f));
        q = T.Fma(q, r, T.Create(0.166666672f));
        q = T.Fma(q, r, T.Create(0.5f));
        T sum = T.Create(1f) + r;
        exponent = T.ToInt(n);
        return sum + T.Fma(r * r, q, r - (sum - T.Create(1f)) + low);
    }

    /// <summary>
    /// x = m · 2^e with m in [√½, √2) (subnormals scaled by 2^23 first), f = m − 1:
    /// (f + (f²·(f·P(f) − ½) + e·ln2low)) + e·ln2high.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Log<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T small = T.Less(x, T.Create(1.17549435e-38f));
        T scaled = T.Select(small, x * T.Create(8388608f), x);
        T exponent = T.ShiftRight(T.SubtractInt(scaled, T.CreateInt(0x3F3504F3)), 23);
        T f = T.SubtractInt(scaled, T.ShiftLeft(exponent, 23)) - T.Create(1f);
        T result = LogSum(f, T.ToFloat(T.SubtractInt(exponent, small & T.CreateInt(23))));
        result = T.Select(T.Same(x, T.Create(float.PositiveInfinity)), x, result);
        result = T.Select(T.Same(x, T.Create(0f)), T.Create(float.NegativeInfinity), result);
        result = T.Select(T.Less(x, T.Create(0f)), T.Create(float.NaN), result);
        return T.OrNan(x, result);
    }

    /// <summary>The same bits for positive finite x from 2^−126, in fewer operations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T LogOfNormal<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T exponent = T.ShiftRight(T.SubtractInt(x, T.CreateInt(0x3F3504F3)), 23);
        return LogSum(T.SubtractInt(x, T.ShiftLeft(exponent, 23)) - T.Create(1f), T.ToFloat(exponent));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T LogSum<T>(T f, T e)
        where T : unmanaged, ILanes<T>
    {
        T p = T.Fma(T.Create(-0.0620157011f), f, T.Create(0.105309717f));
        p = T.Fma(p, f, T.Create(-0.106462188f));
        p = T.Fma(p, f, T.Create(0.110377699f));
        p = T.Fma(p, f, T.Create(-0.12450739f));
        p = T.Fma(p, f, T.Create(0.142865255f));
        p = T.Fma(p, f, T.Create(-0.166680023f));
        p = T.Fma(p, f, T.Create(0.200000107f));
        p = T.Fma(p, f, T.Create(-0.249999896f));
        p = T.Fma(p, f, T.Create(0.333333343f));
        p = T.Fma(p, f, T.Create(-0.5f));
        T tail = T.Fma(f * f, p, e * T.Create(3.19461833e-05f));
        return f + tail + (e * T.Create(0.693115234375f));
    }

    /// <summary>|x| &lt; 0.625: x + x³·R(x²); else ±(1 − 2 / (e^2|x| + 1)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Tanh<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T sign = x & T.CreateInt(SignBit);
        T size = x ^ sign;
        T u = size * size;
        T r = T.Fma(T.Create(0.00229274482f), u, T.Create(-0.00834394526f));
        r = T.Fma(r, u, T.Create(0.0217689183f));
        r = T.Fma(r, u, T.Create(-0.0539592579f));
        r = T.Fma(r, u, T.Create(0.133333042f));
        r = T.Fma(r, u, T.Create(-0.333333343f));
        T near = T.Fma(size * u, r, size);
        T far = T.Create(1f) - (T.Create(2f) / (Exp(size + size) + T.Create(1f)));
        T result = T.SelectLess(size, T.Create(0.625f), near, far) | sign;
        return T.OrNan(x, result);
    }

    /// <summary>z = e^−|x|; x ≥ 0: 1 / (1 + z); else fma(−z, z / (1 + z), z), which is z / (1 + z) with a smaller error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Sigmoid<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T z = Exp(x | T.CreateInt(SignBit));
        T negative = T.Less(x, T.Create(0f));
        T quotient = T.Select(negative, z, T.Create(1f)) / (T.Create(1f) + z);
        return T.OrNan(x, T.Select(negative, T.Fma(z ^ T.CreateInt(SignBit), quotient, z), quotient));
    }

    /// <summary>|x| &lt; 1: x + x·G(x²); else ±(1 − e^−Q(|x|)), Q interpolating −log erfc over [1, 4], |x| limited to 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Erf<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T sign = x & T.CreateInt(SignBit);
        T size = x ^ sign;
        T u = size * size;
        T g = T.Fma(T.Create(-9.66704465e-06f), u, T.Create(0.000112659589f));
        g = T.Fma(g, u, T.Create(-0.000848408032f));
        g = T.Fma(g, u, T.Create(0.00522103161f));
        g = T.Fma(g, u, T.Create(-0.0268654302f));
        g = T.Fma(g, u, T.Create(0.112837821f));
        g = T.Fma(g, u, T.Create(-0.376126379f));
        g = T.Fma(g, u, T.Create(0.128379166f));
        T near = T.Fma(size, g, size);
        T t = T.Lesser(size, T.Create(4f));
        T q = T.Fma(T.Create(7.58268186e-08f), t, T.Create(-3.32168452e-06f));
        q = T.Fma(q, t, T.Create(6.22983498e-05f));
        q = T.Fma(q, t, T.Create(-0.000685836654f));
        q = T.Fma(q, t, T.Create(0.00506494706f));
        q = T.Fma(q, t, T.Create(-0.0270995237f));
        q = T.Fma(q, t, T.Create(0.111055017f));
        q = T.Fma(q, t, T.Create(0.630953014f));
        q = T.Fma(q, t, T.Create(1.1306752f));
        q = T.Fma(q, t, T.Create(-0.000416329218f));
        T far = T.Create(1f) - ExpOfNear(q ^ T.CreateInt(SignBit));
        return T.OrNan(x, T.SelectLess(size, T.Create(1f), near, far) | sign);
    }

    /// <summary>2^n for −126 ≤ n ≤ 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T PowerOfTwo<T>(T n)
        where T : unmanaged, ILanes<T>
        => T.ShiftLeft(T.AddInt(n, T.CreateInt(127)), 23);
}
