using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>8 lanes in one 256-bit vector; on a machine without such vectors the runtime splits each operation, with the same bits.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Lanes256>
{
    private readonly Vector256<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes256(Vector256<float> value) => _value = value;

    public static int Count => 8;

    public Vector256<float> Value => _value;

    /// <summary><see cref="Lanes128.NibbleCounts"/>, twice.</summary>
    public static Vector256<byte> NibbleCounts => Vector256.Create(Lanes128.NibbleCounts, Lanes128.NibbleCounts);

    private Vector256<int> Bits => _value.AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Create(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 CreateInt(int value) => new(Vector256.Create(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Lanes256 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBytes(byte* source)
    {
        if (Avx2.IsSupported)
        {
            return new(Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsByte()).AsSingle());
        }

        return new(Vector256.Create(Lanes128.LoadBytes(source).Value, Lanes128.LoadBytes(source + 4).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadSignedBytes(sbyte* source)
    {
        if (Avx2.IsSupported)
        {
            return new(Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsSByte()).AsSingle());
        }

        return new(Vector256.Create(Lanes128.LoadSignedBytes(source).Value, Lanes128.LoadSignedBytes(source + 4).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadShorts(short* source)
        => Avx2.IsSupported
            ? new(Avx2.ConvertToVector256Int32(Vector128.Load(source)).AsSingle())
            : new(Vector256.Create(Lanes128.LoadShorts(source).Value, Lanes128.LoadShorts(source + 4).Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Lanes256 value)
    {
        Lanes128.StoreBytes(destination, new(value._value.GetLower()));
        Lanes128.StoreBytes(destination + 4, new(value._value.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(short* destination, Lanes256 value)
    {
        Lanes128.StoreShorts(destination, new(value._value.GetLower()));
        Lanes128.StoreShorts(destination + 4, new(value._value.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator /(Lanes256 left, Lanes256 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator &(Lanes256 left, Lanes256 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator |(Lanes256 left, Lanes256 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator ^(Lanes256 left, Lanes256 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Fma(Lanes256 left, Lanes256 right, Lanes256 addend)
        => new(Vector256.FusedMultiplyAdd(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Sqrt(Lanes256 value) => new(Vector256.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Round(Lanes256 value) => new(Vector256.Round(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Floor(Lanes256 value) => new(Vector256.Floor(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Ceiling(Lanes256 value) => new(Vector256.Ceiling(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Less(Lanes256 left, Lanes256 right) => new(Vector256.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Same(Lanes256 left, Lanes256 right) => new(Vector256.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 GreaterInt(Lanes256 left, Lanes256 right) => new(Vector256.GreaterThan(left.Bits, right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Select(Lanes256 mask, Lanes256 whenSet, Lanes256 whenClear)
        => new(Vector256.ConditionalSelect(mask._value, whenSet._value, whenClear._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Lesser(Lanes256 left, Lanes256 right)
        => new(Avx.IsSupported ? Avx.Min(left._value, right._value) : Vector256.ConditionalSelect(Vector256.LessThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Greater(Lanes256 left, Lanes256 right)
        => new(Avx.IsSupported ? Avx.Max(left._value, right._value) : Vector256.ConditionalSelect(Vector256.GreaterThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SelectLess(Lanes256 left, Lanes256 right, Lanes256 whenLess, Lanes256 otherwise)
        => new(Vector256.ConditionalSelect(Vector256.LessThan(left._value, right._value), whenLess._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 OrNan(Lanes256 x, Lanes256 result)
        => new(Vector256.ConditionalSelect(Vector256.Equals(x._value, x._value), result._value, Vector256.Create(float.NaN)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddInt(Lanes256 left, Lanes256 right) => new((left.Bits + right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SubtractInt(Lanes256 left, Lanes256 right) => new((left.Bits - right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyInt(Lanes256 left, Lanes256 right) => new((left.Bits * right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftLeft(Lanes256 value, int count) => new(Vector256.ShiftLeft(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftRight(Lanes256 value, int count) => new(Vector256.ShiftRightArithmetic(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ShiftDown(Lanes256 value, int count) => new(Vector256.ShiftRightLogical(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Lookup(float* table, Lanes256 index)
    {
        if (Avx2.IsSupported)
        {
            Vector256<float> low = Avx2.PermuteVar8x32(Vector256.Load(table), index.Bits);
            Vector256<float> high = Avx2.PermuteVar8x32(Vector256.Load(table + 8), index.Bits);
            return new(Vector256.ConditionalSelect(Vector256.GreaterThan(index.Bits, Vector256.Create(7)).AsSingle(), high, low));
        }

        return new(Vector256.Create(Lanes128.Lookup(table, new(index._value.GetLower())).Value, Lanes128.Lookup(table, new(index._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToFloat(Lanes256 value) => new(Vector256.ConvertToSingle(value.Bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToInt(Lanes256 value) => new(Vector256.ConvertToInt32Native(value._value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 DotPairs(Lanes256 left, Lanes256 right)
    {
        if (Avx2.IsSupported)
        {
            return new(Avx2.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()).AsSingle());
        }

        return new(Vector256.Create(
            Lanes128.DotPairs(new(left._value.GetLower()), new(right._value.GetLower())).Value,
            Lanes128.DotPairs(new(left._value.GetUpper()), new(right._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 DotSmallBytes(Lanes256 unsigned, Lanes256 signed)
    {
        if (Avx2.IsSupported)
        {
            Vector256<short> pairs = Avx2.MultiplyAddAdjacent(unsigned._value.AsByte(), signed._value.AsSByte());
            return new(Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One).AsSingle());
        }

        return new(Vector256.Create(
            Lanes128.DotSmallBytes(new(unsigned._value.GetLower()), new(signed._value.GetLower())).Value,
            Lanes128.DotSmallBytes(new(unsigned._value.GetUpper()), new(signed._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 BitCounts(Lanes256 value)
    {
        if (Avx2.IsSupported)
        {
            Vector256<byte> low = Vector256.Create((byte)15);
            Vector256<byte> upper = Vector256.ShiftRightLogical(value.Bits, 4).AsByte() & low;
            Vector256<byte> counts = NibbleCounts;
            return new((Avx2.Shuffle(counts, value.Bits.AsByte() & low) + Avx2.Shuffle(counts, upper)).AsSingle());
        }

        return new(Vector256.Create(Lanes128.BitCounts(new(value._value.GetLower())).Value, Lanes128.BitCounts(new(value._value.GetUpper())).Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Parity(Lanes256 first, Lanes256 second, Lanes256 third) => first ^ (second ^ third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Majority(Lanes256 first, Lanes256 second, Lanes256 third) => Select(second ^ third, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes256 value) => (uint)Vector256.ExtractMostSignificantBits(value.Bits);
}
