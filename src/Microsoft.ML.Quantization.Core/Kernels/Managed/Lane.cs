using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Small steps over <see cref="ILanes{TSelf}"/> that several kernels share.</summary>
internal static unsafe class Lane
{
    /// <summary>Writes one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(float* destination, TLanes value)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Store(destination, value);

    /// <summary>Writes two vectors one behind the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePair<TLanes>(float* destination, TLanes first, TLanes second)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes.Store(destination, first);
        TLanes.Store(destination + TLanes.Count, second);
    }

    /// <summary>y &lt; low ? low : y &gt; high ? high : y; NaN passes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Clamp<TLanes>(TLanes value, TLanes low, TLanes high)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.Select(TLanes.Less(value, low), low, TLanes.Select(TLanes.Less(high, value), high, value));

    /// <summary>
    /// The tail of every requantization (<see cref="Requantization.Finish"/>): clamp in float to [low, high] = [minimum − zeroPoint,
    /// maximum − zeroPoint], NaN to 0, round half to even, add the zero point in integers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Requantize<TLanes>(TLanes value, TLanes low, TLanes high, TLanes zeroPoint)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes clamped = TLanes.Lesser(TLanes.Greater(value, low), high) & TLanes.Same(value, value);
        return TLanes.AddInt(TLanes.ToInt(TLanes.Round(clamped)), zeroPoint);
    }
}
