using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>16 lanes in one 512-bit vector; on a machine without such vectors the runtime splits each operation, with the same bits.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Lanes512>
{
    private readonly Vector512<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes512(Vector512<float> value) => _value = value;

    public static int Count => 16;

    public Vector512<float> Value => _value;

    private Vector512<int> Bits => _value.AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Create(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 CreateInt(int value) => new(Vector512.Create(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Lanes512 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBytes(byte* source)
    {
        if (Avx512F.IsSupported)
        {
            return new(Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsSingle());
        }

        return new(Vector512.Create(Lanes256.LoadBytes(source).Value, Lanes256.LoadBytes(source + 8).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadSignedBytes(sbyte* source)
    {
        if (Avx512F.IsSupported)
        {
            return new(Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsSingle());
        }

        return new(Vector512.Create(Lanes256.LoadSignedBytes(source).Value, Lanes256.LoadSignedBytes(source + 8).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadShorts(short* source)
        => Avx512F.IsSupported
            ? new(Avx512F.ConvertToVector512Int32(Vector256.Load(source)).AsSingle())
            : new(Vector512.Create(Lanes256.LoadShorts(source).Value, Lanes256.LoadShorts(source + 8).Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Lanes512 value)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.ConvertToVector128Byte(value.Bits).Store(destination);
            return;
        }

        Lanes256.StoreBytes(destination, new(value._value.GetLower()));
        Lanes256.StoreBytes(destination + 8, new(value._value.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(short* destination, Lanes512 value)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.ConvertToVector256Int16(value.Bits).Store(destination);
            return;
        }

        Lanes256.StoreShorts(destination, new(value._value.GetLower()));
        Lanes256.StoreShorts(destination + 8, new(value._value.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator /(Lanes512 left, Lanes512 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator &(Lanes512 left, Lanes512 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator |(Lanes512 left, Lanes512 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator ^(Lanes512 left, Lanes512 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Fma(Lanes512 left, Lanes512 right, Lanes512 addend)
        => new(Vector512.FusedMultiplyAdd(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Sqrt(Lanes512 value) => new(Vector512.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Round(Lanes512 value) => new(Vector512.Round(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Floor(Lanes512 value) => new(Vector512.Floor(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Ceiling(Lanes512 value) => new(Vector512.Ceiling(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Less(Lanes512 left, Lanes512 right) => new(Vector512.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Same(Lanes512 left, Lanes512 right) => new(Vector512.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 GreaterInt(Lanes512 left, Lanes512 right) => new(Vector512.GreaterThan(left.Bits, right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Select(Lanes512 mask, Lanes512 whenSet, Lanes512 whenClear)
        => new(Vector512.ConditionalSelect(mask._value, whenSet._value, whenClear._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Lesser(Lanes512 left, Lanes512 right)
        => new(Avx512F.IsSupported ? Avx512F.Min(left._value, right._value) : Vector512.ConditionalSelect(Vector512.LessThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Greater(Lanes512 left, Lanes512 right)
        => new(Avx512F.IsSupported ? Avx512F.Max(left._value, right._value) : Vector512.ConditionalSelect(Vector512.GreaterThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 SelectLess(Lanes512 left, Lanes512 right, Lanes512 whenLess, Lanes512 otherwise)
        => new(Vector512.ConditionalSelect(Vector512.LessThan(left._value, right._value), whenLess._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 OrNan(Lanes512 x, Lanes512 result)
        => new(Vector512.ConditionalSelect(Vector512.Equals(x._value, x._value), result._value, Vector512.Create(float.NaN)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AddInt(Lanes512 left, Lanes512 right) => new((left.Bits + right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 SubtractInt(Lanes512 left, Lanes512 right) => new((left.Bits - right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyInt(Lanes512 left, Lanes512 right) => new((left.Bits * right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ShiftLeft(Lanes512 value, int count) => new(Vector512.ShiftLeft(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ShiftRight(Lanes512 value, int count) => new(Vector512.ShiftRightArithmetic(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ShiftDown(Lanes512 value, int count) => new(Vector512.ShiftRightLogical(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Lookup(float* table, Lanes512 index)
    {
        if (Avx512F.IsSupported)
        {
            return new(Avx512F.PermuteVar16x32(Vector512.Load(table), index.Bits));
        }

        return new(Vector512.Create(Lanes256.Lookup(table, new(index._value.GetLower())).Value, Lanes256.Lookup(table, new(index._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToFloat(Lanes512 value) => new(Vector512.ConvertToSingle(value.Bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToInt(Lanes512 value) => new(Vector512.ConvertToInt32Native(value._value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 DotPairs(Lanes512 left, Lanes512 right)
    {
        if (Avx512BW.IsSupported)
        {
            return new(Avx512BW.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()).AsSingle());
        }

        return new(Vector512.Create(
            Lanes256.DotPairs(new(left._value.GetLower()), new(right._value.GetLower())).Value,
            Lanes256.DotPairs(new(left._value.GetUpper()), new(right._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 DotSmallBytes(Lanes512 unsigned, Lanes512 signed)
    {
        if (Avx512BW.IsSupported)
        {
            Vector512<short> pairs = Avx512BW.MultiplyAddAdjacent(unsigned._value.AsByte(), signed._value.AsSByte());
            return new(Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One).AsSingle());
        }

        return new(Vector512.Create(
            Lanes256.DotSmallBytes(new(unsigned._value.GetLower()), new(signed._value.GetLower())).Value,
            Lanes256.DotSmallBytes(new(unsigned._value.GetUpper()), new(signed._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 BitCounts(Lanes512 value)
    {
        if (Avx512BW.IsSupported)
        {
            Vector512<byte> low = Vector512.Create((byte)15);
            Vector512<byte> upper = Vector512.ShiftRightLogical(value.Bits, 4).AsByte() & low;
            Vector512<byte> counts = Vector512.Create(Lanes256.NibbleCounts, Lanes256.NibbleCounts);
            return new((Avx512BW.Shuffle(counts, value.Bits.AsByte() & low) + Avx512BW.Shuffle(counts, upper)).AsSingle());
        }

        return new(Vector512.Create(Lanes256.BitCounts(new(value._value.GetLower())).Value, Lanes256.BitCounts(new(value._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Parity(Lanes512 first, Lanes512 second, Lanes512 third)
        => Avx512F.IsSupported ? new(Avx512F.TernaryLogic(first._value, second._value, third._value, 0x96)) : first ^ (second ^ third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Majority(Lanes512 first, Lanes512 second, Lanes512 third)
        => Avx512F.IsSupported ? new(Avx512F.TernaryLogic(first._value, second._value, third._value, 0xE8)) : Select(second ^ third, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes512 value) => (uint)Vector512.ExtractMostSignificantBits(value.Bits);
}
