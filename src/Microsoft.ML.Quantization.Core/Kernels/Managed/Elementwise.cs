using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Applies functions of one or two floats to spans, with the widest vectors of the machine; the result does not depend on the width.</summary>
internal static unsafe class Elementwise
{
    /// <summary>destination[i] = function(source[i]). The spans may be the same.</summary>
    public static void Map<TFunction>(ReadOnlySpan<float> source, TFunction function, Span<float> destination)
        where TFunction : struct, IUnaryFunction
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Map<Lanes512, TFunction>(source, function, destination);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Map<Lanes256, TFunction>(source, function, destination);
        }
        else
        {
            Map<Lanes128, TFunction>(source, function, destination);
        }
    }

    /// <summary>
    /// destination[i] = function(left[i], right[i]); an operand of one value is broadcast. The spans may be the same. Other broadcasts are
    /// runs of this one.
    /// </summary>
    public static void Combine<TFunction>(ReadOnlySpan<float> left, ReadOnlySpan<float> right, TFunction function, Span<float> destination)
        where TFunction : struct, IBinaryFunction
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Combine<Lanes512, TFunction>(left, right, function, destination);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Combine<Lanes256, TFunction>(left, right, function, destination);
        }
        else
        {
            Combine<Lanes128, TFunction>(left, right, function, destination);
        }
    }

    /// <summary><see cref="Map{TFunction}"/> at one width.</summary>
    public static void Map<TLanes, TFunction>(ReadOnlySpan<float> source, TFunction function, Span<float> destination)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFunction : struct, IUnaryFunction
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        fixed (float* x = source, y = destination)
        {
            int i = 0;
            for (; i + TLanes.Count <= source.Length; i += TLanes.Count)
            {
                TLanes.Store(y + i, function.Of(TLanes.Load(x + i)));
            }

            for (; i < source.Length; i++)
            {
                y[i] = function.Of(new Lanes1(x[i])).Value;
            }
        }
    }

    /// <summary><see cref="Combine{TFunction}"/> at one width.</summary>
    public static void Combine<TLanes, TFunction>(ReadOnlySpan<float> left, ReadOnlySpan<float> right, TFunction function, Span<float> destination)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFunction : struct, IBinaryFunction
    {
        int length = left.Length == 1 ? right.Length : left.Length;
        KernelCheck.AtLeast(right.Length, right.Length == 1 ? 1 : length, nameof(right));
        KernelCheck.AtLeast(destination.Length, length, nameof(destination));
        fixed (float* a = left, b = right, y = destination)
        {
            if (left.Length == length && right.Length == length)
            {
                Both<TLanes, TFunction>(a, b, function, y, length);
            }
            else if (right.Length == 1)
            {
                RightFixed<TLanes, TFunction>(a, right[0], function, y, length);
            }
            else
            {
                LeftFixed<TLanes, TFunction>(left[0], b, function, y, length);
            }
        }
    }

    private static void Both<TLanes, TFunction>(float* a, float* b, TFunction function, float* y, int length)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFunction : struct, IBinaryFunction
    {
        int i = 0;
        for (; i + TLanes.Count <= length; i += TLanes.Count)
        {
            TLanes.Store(y + i, function.Of(TLanes.Load(a + i), TLanes.Load(b + i)));
        }

        for (; i < length; i++)
        {
            y[i] = function.Of(new Lanes1(a[i]), new Lanes1(b[i])).Value;
        }
    }

    private static void RightFixed<TLanes, TFunction>(float* a, float b, TFunction function, float* y, int length)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFunction : struct, IBinaryFunction
    {
        TLanes right = TLanes.Create(b);
        int i = 0;
        for (; i + TLanes.Count <= length; i += TLanes.Count)
        {
            TLanes.Store(y + i, function.Of(TLanes.Load(a + i), right));
        }

        for (; i < length; i++)
        {
            y[i] = function.Of(new Lanes1(a[i]), new Lanes1(b)).Value;
        }
    }

    private static void LeftFixed<TLanes, TFunction>(float a, float* b, TFunction function, float* y, int length)
        where TLanes : unmanaged, ILanes<TLanes>
        where TFunction : struct, IBinaryFunction
    {
        TLanes left = TLanes.Create(a);
        int i = 0;
        for (; i + TLanes.Count <= length; i += TLanes.Count)
        {
            TLanes.Store(y + i, function.Of(left, TLanes.Load(b + i)));
        }

        for (; i < length; i++)
        {
            y[i] = function.Of(new Lanes1(a), new Lanes1(b[i])).Value;
        }
    }
}
