using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Memory of a thread that kernels reuse from call to call; it grows to the largest need and is never shared.</summary>
internal static unsafe class Scratch
{
    private const int LineFloats = 16;

    [ThreadStatic]
    private static short[]? _shorts;

    [ThreadStatic]
    private static float[]? _floats;

    [ThreadStatic]
    private static long[]? _longs;

    /// <summary>Unset int16 values, valid until the next call on this thread.</summary>
    public static Span<short> Shorts(int length)
    {
        if (_shorts is null || _shorts.Length < length)
        {
            _shorts = GC.AllocateUninitializedArray<short>(length, pinned: true);
        }

        return _shorts.AsSpan(0, length);
    }

    /// <summary>Unset floats that begin at a cache line, valid until the next call on this thread; zero wherever nothing was ever written.</summary>
    public static unsafe float* Floats(int length)
    {
        if (_floats is null || _floats.Length < length + LineFloats)
        {
            _floats = GC.AllocateArray<float>(length + LineFloats, pinned: true);
        }

        fixed (float* first = _floats)
        {
            return (float*)(((nint)first + 63) & ~(nint)63);
        }
    }

    /// <summary>Unset int64 values, valid until the next call on this thread; the memory never moves.</summary>
    public static long* Longs(int length)
    {
        if (_longs is null || _longs.Length < length)
        {
            _longs = GC.AllocateUninitializedArray<long>(length, pinned: true);
        }

        return (long*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_longs));
    }
}
