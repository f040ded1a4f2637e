using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Loops that carry float functions over spans: 32 lanes at a time where the machine has vectors of sixteen, then eight, the rest one by one, with the same bits.</summary>
internal static unsafe class FloatLoops
{
    /// <summary>destination[i] = f(source[i]); both may be the same span.</summary>
    public static void Map<TFunction>(TFunction function, ReadOnlySpan<float> source, Span<float> destination)
        where TFunction : struct, IUnaryFunction
    {
        int length = source.Length;
        if (destination.Length != length)
        {
            throw new ArgumentException("Source and destination must have one length.", nameof(destination));
        }

        fixed (float* x = source)
        fixed (float* y = destination)
        {
            int i = 0;
            for (; Vector512.IsHardwareAccelerated && i <= length - Lanes1024.Count; i += Lanes1024.Count)
            {
                Lanes1024.Store(y + i, function.Of(Lanes1024.Load(x + i)));
            }

            for (; i <= length - Lanes256.Count; i += Lanes256.Count)
            {
                Lanes256.Store(y + i, function.Of(Lanes256.Load(x + i)));
            }

            for (; i < length; i++)
            {
                y[i] = function.Of(new Lanes1(x[i])).Value;
            }
        }
    }

    /// <summary>destination[i] = f(left[i], right[i]); an operand of one element stands for all.</summary>
    public static void Map<TFunction>(TFunction function, ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination)
        where TFunction : struct, IBinaryFunction
    {
        int length = destination.Length;
        if ((left.Length != length && left.Length != 1) || (right.Length != length && right.Length != 1))
        {
            throw new ArgumentException("Operands must have the destination's length, or 1.", nameof(left));
        }

        int leftStep = left.Length == 1 ? 0 : 1;
        int rightStep = right.Length == 1 ? 0 : 1;
        fixed (float* a = left)
        fixed (float* b = right)
        fixed (float* y = destination)
        {
            int i = 0;
            for (; Vector512.IsHardwareAccelerated && i <= length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512 x = leftStep == 0 ? Lanes512.Create(*a) : Lanes512.Load(a + i);
                Lanes512 z = rightStep == 0 ? Lanes512.Create(*b) : Lanes512.Load(b + i);
                Lanes512.Store(y + i, function.Of(x, z));
            }

            for (; i <= length - Lanes256.Count; i += Lanes256.Count)
            {
                Lanes256 x = leftStep == 0 ? Lanes256.Create(*a) : Lanes256.Load(a + i);
                Lanes256 z = rightStep == 0 ? Lanes256.Create(*b) : Lanes256.Load(b + i);
                Lanes256.Store(y + i, function.Of(x, z));
            }

            for (; i < length; i++)
            {
                y[i] = function.Of(new Lanes1(a[i * leftStep]), new Lanes1(b[i * rightStep])).Value;
            }
        }
    }

    /// <summary>destination[i] = f(first[i], second[i], third[i]).</summary>
    public static void Map<TFunction>(TFunction function, ReadOnlySpan<float> first, ReadOnlySpan<float> second, ReadOnlySpan<float> third, Span<float> destination)
        where TFunction : struct, ITernaryFunction
    {
        int length = destination.Length;
        if (first.Length != length || second.Length != length || third.Length != length)
        {
            throw new ArgumentException("Operands must have the destination's length.", nameof(first));
        }

        fixed (float* a = first)
        fixed (float* b = second)
        fixed (float* c = third)
        fixed (float* y = destination)
        {
            int i = 0;
            for (; Vector512.IsHardwareAccelerated && i <= length - Lanes512.Count; i += Lanes512.Count)
            {
                Lanes512.Store(y + i, function.Of(Lanes512.Load(a + i), Lanes512.Load(b + i), Lanes512.Load(c + i)));
            }

            for (; i <= length - Lanes256.Count; i += Lanes256.Count)
            {
                Lanes256.Store(y + i, function.Of(Lanes256.Load(a + i), Lanes256.Load(b + i), Lanes256.Load(c + i)));
            }

            for (; i < length; i++)
            {
                y[i] = function.Of(new Lanes1(a[i]), new Lanes1(b[i]), new Lanes1(c[i])).Value;
            }
        }
    }
}
