using System;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Hints for memory that is read or written next in pieces of a few kilobytes, too short for the processor to see by itself where each begins.</summary>
internal static unsafe class Prefetching
{
    private const int Line = 64;
    private const int Most = 64 * Line;

    /// <summary>Asks for a piece, or for its first 4 KiB.</summary>
    public static void Begin(void* piece, long bytes)
    {
        if (Sse.IsSupported)
        {
            for (long i = 0; i < Math.Min(bytes, Most); i += Line)
            {
                Sse.Prefetch0((byte*)piece + i);
            }
        }
    }
}
