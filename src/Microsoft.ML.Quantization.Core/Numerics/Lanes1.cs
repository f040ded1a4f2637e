using System;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Numerics;

/// <summary>One lane: the scalar form of every function, and the tail of the wide ones.</summary>
internal readonly unsafe struct Lanes1 : ILanes<Lanes1>
{
    private readonly int _bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes1(float value) => _bits = BitConverter.SingleToInt32Bits(value);

    private Lanes1(int bits) => _bits = bits;

    public static int Count => 1;

    public float Value => BitConverter.Int32BitsToSingle(_bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Create(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 CreateInt(int value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Load(float* source) => new(*(int*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Lanes1 value) => *(int*)destination = value._bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 LoadBytes(byte* source) => CreateInt(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 LoadSignedBytes(sbyte* source) => CreateInt(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 LoadShorts(short* source) => CreateInt(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Lanes1 value) => *destination = unchecked((byte)value._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(short* destination, Lanes1 value) => *destination = unchecked((short)value._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator +(Lanes1 left, Lanes1 right) => new(left.Value + right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator -(Lanes1 left, Lanes1 right) => new(left.Value - right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator *(Lanes1 left, Lanes1 right) => new(left.Value * right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator /(Lanes1 left, Lanes1 right) => new(left.Value / right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator &(Lanes1 left, Lanes1 right) => CreateInt(left._bits & right._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator |(Lanes1 left, Lanes1 right) => CreateInt(left._bits | right._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator ^(Lanes1 left, Lanes1 right) => CreateInt(left._bits ^ right._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Fma(Lanes1 left, Lanes1 right, Lanes1 addend)
        => new(MathF.FusedMultiplyAdd(left.Value, right.Value, addend.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Sqrt(Lanes1 value) => new(MathF.Sqrt(value.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Round(Lanes1 value) => new(Rounding.HalfToEven(value.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Floor(Lanes1 value) => new(MathF.Floor(value.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Ceiling(Lanes1 value) => new(MathF.Ceiling(value.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Less(Lanes1 left, Lanes1 right) => Mask(left.Value < right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Same(Lanes1 left, Lanes1 right) => Mask(left.Value == right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 GreaterInt(Lanes1 left, Lanes1 right) => Mask(left._bits > right._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Select(Lanes1 mask, Lanes1 whenSet, Lanes1 whenClear)
        => CreateInt((mask._bits & whenSet._bits) | (~mask._bits & whenClear._bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Lesser(Lanes1 left, Lanes1 right) => left.Value < right.Value ? left : right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Greater(Lanes1 left, Lanes1 right) => left.Value > right.Value ? left : right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 SelectLess(Lanes1 left, Lanes1 right, Lanes1 whenLess, Lanes1 otherwise) => left.Value < right.Value ? whenLess : otherwise;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 OrNan(Lanes1 x, Lanes1 result) => float.IsNaN(x.Value) ? new(float.NaN) : result;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 AddInt(Lanes1 left, Lanes1 right) => CreateInt(unchecked(left._bits + right._bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 SubtractInt(Lanes1 left, Lanes1 right) => CreateInt(unchecked(left._bits - right._bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 MultiplyInt(Lanes1 left, Lanes1 right) => CreateInt(unchecked(left._bits * right._bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ShiftLeft(Lanes1 value, int count) => CreateInt(value._bits << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ShiftRight(Lanes1 value, int count) => CreateInt(value._bits >> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ShiftDown(Lanes1 value, int count) => CreateInt((int)((uint)value._bits >> count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Lookup(float* table, Lanes1 index) => new(table[index._bits]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ToFloat(Lanes1 value) => new((float)value._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 ToInt(Lanes1 value) => CreateInt((int)value.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 DotPairs(Lanes1 left, Lanes1 right)
        => CreateInt(((short)left._bits * (short)right._bits) + ((left._bits >> 16) * (right._bits >> 16)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 DotSmallBytes(Lanes1 unsigned, Lanes1 signed)
    {
        int sum = 0;
        for (int place = 0; place < 32; place += 8)
        {
            sum += (byte)(unsigned._bits >> place) * (sbyte)(signed._bits >> place);
        }

        return CreateInt(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 BitCounts(Lanes1 value)
    {
        uint pairs = (uint)value._bits - (((uint)value._bits >> 1) & 0x55555555u);
        uint nibbles = (pairs & 0x33333333u) + ((pairs >> 2) & 0x33333333u);
        return CreateInt((int)((nibbles + (nibbles >> 4)) & 0x0F0F0F0Fu));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Parity(Lanes1 first, Lanes1 second, Lanes1 third) => first ^ (second ^ third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 Majority(Lanes1 first, Lanes1 second, Lanes1 third) => Select(second ^ third, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SignBits(Lanes1 value) => (uint)value._bits >> 31;

    private static Lanes1 Mask(bool value) => CreateInt(value ? -1 : 0);
}
