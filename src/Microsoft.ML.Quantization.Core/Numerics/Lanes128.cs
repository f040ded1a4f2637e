using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>4 lanes in one 128-bit vector; on a machine without such vectors the runtime splits each operation, with the same bits.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Lanes128>
{
    private readonly Vector128<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes128(Vector128<float> value) => _value = value;

    public static int Count => 4;

    public Vector128<float> Value => _value;

    /// <summary>Bits set in the numbers 0 to 15.</summary>
    public static Vector128<byte> NibbleCounts => Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);

    private Vector128<int> Bits => _value.AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Create(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 CreateInt(int value) => new(Vector128.Create(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Lanes128 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBytes(byte* source)
        => new(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(source)).AsByte())).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadSignedBytes(sbyte* source)
        => new(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(source)).AsSByte())).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadShorts(short* source)
        => new(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsInt16()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Lanes128 value)
    {
        Vector128<ushort> half = Vector128.Narrow(value.Bits.AsUInt32() & Vector128.Create(255u), Vector128<uint>.Zero);
        Unsafe.WriteUnaligned(destination, Vector128.Narrow(half, half).AsUInt32().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(short* destination, Lanes128 value)
    {
        Vector128<int> kept = Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(value.Bits, 16), 16);
        Unsafe.WriteUnaligned(destination, Vector128.Narrow(kept, kept).AsUInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator /(Lanes128 left, Lanes128 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator &(Lanes128 left, Lanes128 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator |(Lanes128 left, Lanes128 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator ^(Lanes128 left, Lanes128 right) => new(left._value ^ right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Fma(Lanes128 left, Lanes128 right, Lanes128 addend)
        => new(Vector128.FusedMultiplyAdd(left._value, right._value, addend._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Sqrt(Lanes128 value) => new(Vector128.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Round(Lanes128 value) => new(Vector128.Round(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Floor(Lanes128 value) => new(Vector128.Floor(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Ceiling(Lanes128 value) => new(Vector128.Ceiling(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Less(Lanes128 left, Lanes128 right) => new(Vector128.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Same(Lanes128 left, Lanes128 right) => new(Vector128.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 GreaterInt(Lanes128 left, Lanes128 right) => new(Vector128.GreaterThan(left.Bits, right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Select(Lanes128 mask, Lanes128 whenSet, Lanes128 whenClear)
        => new(Vector128.ConditionalSelect(mask._value, whenSet._value, whenClear._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Lesser(Lanes128 left, Lanes128 right)
        => new(Sse.IsSupported ? Sse.Min(left._value, right._value) : Vector128.ConditionalSelect(Vector128.LessThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Greater(Lanes128 left, Lanes128 right)
        => new(Sse.IsSupported ? Sse.Max(left._value, right._value) : Vector128.ConditionalSelect(Vector128.GreaterThan(left._value, right._value), left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 SelectLess(Lanes128 left, Lanes128 right, Lanes128 whenLess, Lanes128 otherwise)
        => new(Vector128.ConditionalSelect(Vector128.LessThan(left._value, right._value), whenLess._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 OrNan(Lanes128 x, Lanes128 result)
        => new(Vector128.ConditionalSelect(Vector128.Equals(x._value, x._value), result._value, Vector128.Create(float.NaN)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AddInt(Lanes128 left, Lanes128 right) => new((left.Bits + right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 SubtractInt(Lanes128 left, Lanes128 right) => new((left.Bits - right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyInt(Lanes128 left, Lanes128 right) => new((left.Bits * right.Bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ShiftLeft(Lanes128 value, int count) => new(Vector128.ShiftLeft(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ShiftRight(Lanes128 value, int count) => new(Vector128.ShiftRightArithmetic(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ShiftDown(Lanes128 value, int count) => new(Vector128.ShiftRightLogical(value.Bits, count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Lookup(float* table, Lanes128 index)
        => new(Vector128.Create(table[index.Bits[0]], table[index.Bits[1]], table[index.Bits[2]], table[index.Bits[3]]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToFloat(Lanes128 value) => new(Vector128.ConvertToSingle(value.Bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToInt(Lanes128 value) => new(Vector128.ConvertToInt32Native(value._value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 DotPairs(Lanes128 left, Lanes128 right)
    {
        if (Sse2.IsSupported)
        {
            return new(Sse2.MultiplyAddAdjacent(left._value.AsInt16(), right._value.AsInt16()).AsSingle());
        }

        Vector128<int> low = ShiftRight(ShiftLeft(left, 16), 16).Bits * ShiftRight(ShiftLeft(right, 16), 16).Bits;
        return new((low + (ShiftRight(left, 16).Bits * ShiftRight(right, 16).Bits)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 DotSmallBytes(Lanes128 unsigned, Lanes128 signed)
    {
        if (Ssse3.IsSupported)
        {
            Vector128<short> pairs = Ssse3.MultiplyAddAdjacent(unsigned._value.AsByte(), signed._value.AsSByte());
            return new(Sse2.MultiplyAddAdjacent(pairs, Vector128<short>.One).AsSingle());
        }

        Vector128<short> codes = unsigned._value.AsInt16(), weights = signed._value.AsInt16();
        Vector128<short> even = Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(weights, 8), 8), odd = Vector128.ShiftRightArithmetic(weights, 8);
        Lanes128 low = DotPairs(new((codes & Vector128.Create((short)0xFF)).AsSingle()), new(even.AsSingle()));
        return AddInt(low, DotPairs(new(Vector128.ShiftRightLogical(codes, 8).AsSingle()), new(odd.AsSingle())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 BitCounts(Lanes128 value)
    {
        if (Ssse3.IsSupported)
        {
            Vector128<byte> low = Vector128.Create((byte)15);
            Vector128<byte> upper = Vector128.ShiftRightLogical(value.Bits, 4).AsByte() & low;
            Vector128<byte> counts = NibbleCounts;
            return new((Ssse3.Shuffle(counts, value.Bits.AsByte() & low) + Ssse3.Shuffle(counts, upper)).AsSingle());
        }

        if (AdvSimd.IsSupported)
        {
            return new(AdvSimd.PopCount(value._value.AsByte()).AsSingle());
        }

        Vector128<uint> bits = value.Bits.AsUInt32();
        Vector128<uint> pairs = bits - ((bits >>> 1) & Vector128.Create(0x55555555u));
        Vector128<uint> nibbles = (pairs & Vector128.Create(0x33333333u)) + ((pairs >>> 2) & Vector128.Create(0x33333333u));
        return new(((nibbles + (nibbles >>> 4)) & Vector128.Create(0x0F0F0F0Fu)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Parity(Lanes128 first, Lanes128 second, Lanes128 third) => first ^ (second ^ third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Majority(Lanes128 first, Lanes128 second, Lanes128 third) => Select(second ^ third, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes128 value) => (uint)Vector128.ExtractMostSignificantBits(value.Bits);
}
