using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Memory of a thread that kernels reuse from call to call; it grows to the largest need and is never shared.</summary>
internal static class Scratch
{
    private const int LineFloats = 16;

    [ThreadStatic]
    private static short[]? _shorts;

    [ThreadStatic]
    private static float[]? _floats;

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
}
