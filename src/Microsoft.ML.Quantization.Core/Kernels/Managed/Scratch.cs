using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Memory of a thread that kernels reuse from call to call; it grows to the largest need and is never shared.</summary>
internal static class Scratch
{
    [ThreadStatic]
    private static short[]? _shorts;

    /// <summary>Unset int16 values, valid until the next call on this thread.</summary>
    public static Span<short> Shorts(int length)
    {
        if (_shorts is null || _shorts.Length < length)
        {
            _shorts = GC.AllocateUninitializedArray<short>(length, pinned: true);
        }

        return _shorts.AsSpan(0, length);
    }
}
