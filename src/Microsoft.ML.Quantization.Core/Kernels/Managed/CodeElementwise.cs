using System;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Element-wise kernels over codes and floats of a kernel set.</summary>
internal static unsafe class CodeElementwise<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    public static void Quantize(ReadOnlySpan<float> source, float scale, int zeroPoint, int minimum, int maximum, Span<byte> destination)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        Range codes = new(zeroPoint, minimum, maximum);
        int wide = source.Length - (source.Length % TLanes.Count);
        fixed (float* x = source)
        fixed (byte* y = destination)
        {
            QuantizePart<TLanes>(x, scale, codes, y, 0, wide);
            QuantizePart<Lanes1>(x, scale, codes, y, wide, source.Length);
        }
    }

    public static void Dequantize(ReadOnlySpan<byte> source, float scale, int zeroPoint, Span<float> destination)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        int wide = source.Length - (source.Length % TLanes.Count);
        fixed (byte* x = source)
        fixed (float* y = destination)
        {
            DequantizePart<TLanes>(x, scale, zeroPoint, y, 0, wide);
            DequantizePart<Lanes1>(x, scale, zeroPoint, y, wide, source.Length);
        }
    }

    public static void Translate(ReadOnlySpan<byte> source, ReadOnlySpan<byte> table, Span<byte> destination)
    {
        KernelCheck.AtLeast(table.Length, 256, nameof(table));
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        fixed (byte* x = source, t = table, y = destination)
        {
            int i = 0;
            if (Avx512Vbmi.IsSupported && TLanes.Count == Lanes512.Count)
            {
                i = TranslateWide(x, t, y, source.Length);
            }

            for (; i < source.Length; i++)
            {
                y[i] = t[x[i]];
            }
        }
    }

    /// <summary>64 codes at a time: the low half of the table by the seven low bits, the high half too, and the top bit chooses.</summary>
    private static int TranslateWide(byte* source, byte* table, byte* destination, int length)
    {
        Vector512<byte> a = Vector512.Load(table);
        Vector512<byte> b = Vector512.Load(table + 64);
        Vector512<byte> c = Vector512.Load(table + 128);
        Vector512<byte> d = Vector512.Load(table + 192);
        int i = 0;
        for (; i <= length - Vector512<byte>.Count; i += Vector512<byte>.Count)
        {
            Vector512<byte> codes = Vector512.Load(source + i);
            Vector512<byte> low = Avx512Vbmi.PermuteVar64x8x2(a, codes, b);
            Vector512<byte> high = Avx512Vbmi.PermuteVar64x8x2(c, codes, d);
            Vector512.ConditionalSelect(Vector512.LessThan(codes.AsSByte(), Vector512<sbyte>.Zero).AsByte(), high, low).Store(destination + i);
        }

        return i;
    }

    public static void Add(in CodeTerm left, in CodeTerm right, int zeroPoint, int minimum, int maximum, Span<byte> destination)
    {
        int length = left.Codes.Length;
        KernelCheck.AtLeast(right.Codes.Length, length, nameof(right));
        KernelCheck.AtLeast(destination.Length, length, nameof(destination));
        Range codes = new(zeroPoint, minimum, maximum);
        int wide = length - (length % TLanes.Count);
        fixed (byte* a = left.Codes, b = right.Codes, y = destination)
        {
            AddPart<TLanes>(a, left, b, right, codes, y, 0, wide);
            AddPart<Lanes1>(a, left, b, right, codes, y, wide, length);
        }
    }

    public static void AddFloat(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float low, float high, Span<float> destination)
    {
        KernelCheck.AtLeast(right.Length, left.Length, nameof(right));
        KernelCheck.AtLeast(destination.Length, left.Length, nameof(destination));
        int wide = left.Length - (left.Length % TLanes.Count);
        fixed (float* a = left, b = right, y = destination)
        {
            AddFloatPart<TLanes>(a, b, low, high, y, 0, wide);
            AddFloatPart<Lanes1>(a, b, low, high, y, wide, left.Length);
        }
    }

    public static void Clamp(ReadOnlySpan<float> source, float low, float high, Span<float> destination)
    {
        KernelCheck.AtLeast(destination.Length, source.Length, nameof(destination));
        int wide = source.Length - (source.Length % TLanes.Count);
        fixed (float* x = source, y = destination)
        {
            ClampPart<TLanes>(x, low, high, y, 0, wide);
            ClampPart<Lanes1>(x, low, high, y, wide, source.Length);
        }
    }

    private static void QuantizePart<T>(float* source, float scale, in Range codes, byte* destination, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T step = T.Create(scale), low = T.Create(codes.Low), high = T.Create(codes.High), zero = T.CreateInt(codes.ZeroPoint);
        for (int i = begin; i < end; i += T.Count)
        {
            T.StoreBytes(destination + i, Lane.Requantize(T.Load(source + i) / step, low, high, zero));
        }
    }

    private static void DequantizePart<T>(byte* source, float scale, int zeroPoint, float* destination, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T step = T.Create(scale), zero = T.CreateInt(zeroPoint);
        for (int i = begin; i < end; i += T.Count)
        {
            T.Store(destination + i, T.ToFloat(T.SubtractInt(T.LoadBytes(source + i), zero)) * step);
        }
    }

    private static void AddPart<T>(byte* a, in CodeTerm left, byte* b, in CodeTerm right, in Range codes, byte* destination, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T zeroA = T.CreateInt(left.ZeroPoint), scaleA = T.Create(left.Multiplier);
        T zeroB = T.CreateInt(right.ZeroPoint), scaleB = T.Create(right.Multiplier);
        T low = T.Create(codes.Low), high = T.Create(codes.High), zero = T.CreateInt(codes.ZeroPoint);
        for (int i = begin; i < end; i += T.Count)
        {
            T first = T.ToFloat(T.SubtractInt(T.LoadBytes(a + i), zeroA)) * scaleA;
            T second = T.ToFloat(T.SubtractInt(T.LoadBytes(b + i), zeroB)) * scaleB;
            T.StoreBytes(destination + i, Lane.Requantize(first + second, low, high, zero));
        }
    }

    private static void AddFloatPart<T>(float* a, float* b, float low, float high, float* destination, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T least = T.Create(low), most = T.Create(high);
        for (int i = begin; i < end; i += T.Count)
        {
            T.Store(destination + i, Lane.Clamp(T.Load(a + i) + T.Load(b + i), least, most));
        }
    }

    private static void ClampPart<T>(float* source, float low, float high, float* destination, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        T least = T.Create(low), most = T.Create(high);
        for (int i = begin; i < end; i += T.Count)
        {
            T.Store(destination + i, Lane.Clamp(T.Load(source + i), least, most));
        }
    }

    private readonly struct Range(int zeroPoint, int minimum, int maximum)
    {
        public float Low { get; } = minimum - zeroPoint;

        public float High { get; } = maximum - zeroPoint;

        public int ZeroPoint { get; } = zeroPoint;
    }
}
