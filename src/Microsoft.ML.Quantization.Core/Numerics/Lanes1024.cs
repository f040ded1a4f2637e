using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// 32 lanes in two 512-bit vectors: functions that are one long chain of dependent steps keep two chains under way. Only for loops over functions; each half is what
/// <see cref="Lanes512"/> makes of it.
/// </summary>
internal readonly unsafe struct Lanes1024 : ILanes<Lanes1024>
{
    private readonly Vector512<float> _low;
    private readonly Vector512<float> _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes1024(Vector512<float> low, Vector512<float> high)
    {
        _low = low;
        _high = high;
    }

    public static int Count => 2 * Lanes512.Count;

    /// <summary>Lanes 0 to 15.</summary>
    public Lanes512 Low => new(_low);

    /// <summary>Lanes 16 to 31.</summary>
    public Lanes512 High => new(_high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Create(float value) => new(Vector512.Create(value), Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 CreateInt(int value) => new(Vector512.Create(value).AsSingle(), Vector512.Create(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Load(float* source) => new(Vector512.Load(source), Vector512.Load(source + Lanes512.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Lanes1024 value)
    {
        value._low.Store(destination);
        value._high.Store(destination + Lanes512.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 LoadBytes(byte* source) => new(Lanes512.LoadBytes(source).Value, Lanes512.LoadBytes(source + Lanes512.Count).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 LoadSignedBytes(sbyte* source) => new(Lanes512.LoadSignedBytes(source).Value, Lanes512.LoadSignedBytes(source + Lanes512.Count).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 LoadShorts(short* source) => new(Lanes512.LoadShorts(source).Value, Lanes512.LoadShorts(source + Lanes512.Count).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Lanes1024 value)
    {
        Lanes512.StoreBytes(destination, value.Low);
        Lanes512.StoreBytes(destination + Lanes512.Count, value.High);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(short* destination, Lanes1024 value)
    {
        Lanes512.StoreShorts(destination, value.Low);
        Lanes512.StoreShorts(destination + Lanes512.Count, value.High);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator +(Lanes1024 left, Lanes1024 right) => new(left._low + right._low, left._high + right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator -(Lanes1024 left, Lanes1024 right) => new(left._low - right._low, left._high - right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator *(Lanes1024 left, Lanes1024 right) => new(left._low * right._low, left._high * right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator /(Lanes1024 left, Lanes1024 right) => new(left._low / right._low, left._high / right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator &(Lanes1024 left, Lanes1024 right) => new(left._low & right._low, left._high & right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator |(Lanes1024 left, Lanes1024 right) => new(left._low | right._low, left._high | right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 operator ^(Lanes1024 left, Lanes1024 right) => new(left._low ^ right._low, left._high ^ right._high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Fma(Lanes1024 left, Lanes1024 right, Lanes1024 addend)
        => new(Vector512.FusedMultiplyAdd(left._low, right._low, addend._low), Vector512.FusedMultiplyAdd(left._high, right._high, addend._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Sqrt(Lanes1024 value) => new(Vector512.Sqrt(value._low), Vector512.Sqrt(value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Round(Lanes1024 value) => new(Vector512.Round(value._low), Vector512.Round(value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Floor(Lanes1024 value) => new(Vector512.Floor(value._low), Vector512.Floor(value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Ceiling(Lanes1024 value) => new(Vector512.Ceiling(value._low), Vector512.Ceiling(value._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Less(Lanes1024 left, Lanes1024 right) => new(Vector512.LessThan(left._low, right._low), Vector512.LessThan(left._high, right._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Same(Lanes1024 left, Lanes1024 right) => new(Vector512.Equals(left._low, right._low), Vector512.Equals(left._high, right._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 GreaterInt(Lanes1024 left, Lanes1024 right)
        => new(Vector512.GreaterThan(left._low.AsInt32(), right._low.AsInt32()).AsSingle(), Vector512.GreaterThan(left._high.AsInt32(), right._high.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Select(Lanes1024 mask, Lanes1024 whenSet, Lanes1024 whenClear)
        => new(Vector512.ConditionalSelect(mask._low, whenSet._low, whenClear._low), Vector512.ConditionalSelect(mask._high, whenSet._high, whenClear._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Lesser(Lanes1024 left, Lanes1024 right)
        => new(Avx512F.IsSupported ? Avx512F.Min(left._low, right._low) : Vector512.ConditionalSelect(Vector512.LessThan(left._low, right._low), left._low, right._low), Avx512F.IsSupported ? Avx512F.Min(left._high, right._high) : Vector512.ConditionalSelect(Vector512.LessThan(left._high, right._high), left._high, right._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Greater(Lanes1024 left, Lanes1024 right)
        => new(Avx512F.IsSupported ? Avx512F.Max(left._low, right._low) : Vector512.ConditionalSelect(Vector512.GreaterThan(left._low, right._low), left._low, right._low), Avx512F.IsSupported ? Avx512F.Max(left._high, right._high) : Vector512.ConditionalSelect(Vector512.GreaterThan(left._high, right._high), left._high, right._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 SelectLess(Lanes1024 left, Lanes1024 right, Lanes1024 whenLess, Lanes1024 otherwise)
        => new(Vector512.ConditionalSelect(Vector512.LessThan(left._low, right._low), whenLess._low, otherwise._low), Vector512.ConditionalSelect(Vector512.LessThan(left._high, right._high), whenLess._high, otherwise._high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 OrNan(Lanes1024 x, Lanes1024 result)
        => new(Vector512.ConditionalSelect(Vector512.Equals(x._low, x._low), result._low, Vector512.Create(float.NaN)), Vector512.ConditionalSelect(Vector512.Equals(x._high, x._high), result._high, Vector512.Create(float.NaN)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 AddInt(Lanes1024 left, Lanes1024 right) => new((left._low.AsInt32() + right._low.AsInt32()).AsSingle(), (left._high.AsInt32() + right._high.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 SubtractInt(Lanes1024 left, Lanes1024 right) => new((left._low.AsInt32() - right._low.AsInt32()).AsSingle(), (left._high.AsInt32() - right._high.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 MultiplyInt(Lanes1024 left, Lanes1024 right) => new((left._low.AsInt32() * right._low.AsInt32()).AsSingle(), (left._high.AsInt32() * right._high.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 ShiftLeft(Lanes1024 value, int count) => new(Vector512.ShiftLeft(value._low.AsInt32(), count).AsSingle(), Vector512.ShiftLeft(value._high.AsInt32(), count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 ShiftRight(Lanes1024 value, int count)
        => new(Vector512.ShiftRightArithmetic(value._low.AsInt32(), count).AsSingle(), Vector512.ShiftRightArithmetic(value._high.AsInt32(), count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 ShiftDown(Lanes1024 value, int count) => new(Vector512.ShiftRightLogical(value._low.AsInt32(), count).AsSingle(), Vector512.ShiftRightLogical(value._high.AsInt32(), count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Lookup(float* table, Lanes1024 index) => new(Lanes512.Lookup(table, index.Low).Value, Lanes512.Lookup(table, index.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 ToFloat(Lanes1024 value) => new(Vector512.ConvertToSingle(value._low.AsInt32()), Vector512.ConvertToSingle(value._high.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 ToInt(Lanes1024 value) => new(Vector512.ConvertToInt32Native(value._low).AsSingle(), Vector512.ConvertToInt32Native(value._high).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 DotPairs(Lanes1024 left, Lanes1024 right) => new(Lanes512.DotPairs(left.Low, right.Low).Value, Lanes512.DotPairs(left.High, right.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 DotSmallBytes(Lanes1024 unsigned, Lanes1024 signed)
        => new(Lanes512.DotSmallBytes(unsigned.Low, signed.Low).Value, Lanes512.DotSmallBytes(unsigned.High, signed.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 BitCounts(Lanes1024 value) => new(Lanes512.BitCounts(value.Low).Value, Lanes512.BitCounts(value.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Parity(Lanes1024 first, Lanes1024 second, Lanes1024 third)
        => new(Lanes512.Parity(first.Low, second.Low, third.Low).Value, Lanes512.Parity(first.High, second.High, third.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1024 Majority(Lanes1024 first, Lanes1024 second, Lanes1024 third)
        => new(Lanes512.Majority(first.Low, second.Low, third.Low).Value, Lanes512.Majority(first.High, second.High, third.High).Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes1024 value) => Lanes512.SignBits(value.Low) | (Lanes512.SignBits(value.High) << Lanes512.Count);
}
