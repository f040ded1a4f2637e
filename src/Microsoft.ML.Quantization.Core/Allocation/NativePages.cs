using System;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Allocation;

/// <summary>
/// Memory outside the collected heap, 64-byte aligned, its bytes unset. Some megabytes ask for pages of 2 MiB where the system has them: small pages take several times as long to touch first,
/// and weights of a whole network are more pages than a processor keeps the addresses of, so that reading them once a run waits for each page anew.
/// </summary>
internal static unsafe partial class NativePages
{
    /// <summary>Alignment in bytes.</summary>
    public const int Alignment = 64;

    private const int LargePage = 2 << 20;
    private const int WorthFilling = LargePage / 4 * 3; // a last page that is filled so far is rounded up
    private const int AdviseHugePage = 14;

    /// <summary>At least <paramref name="bytes"/> bytes, to be given back with <see cref="Free"/>.</summary>
    /// <exception cref="OutOfMemoryException">There is no room.</exception>
    public static byte* Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (!OperatingSystem.IsLinux() || bytes < LargePage)
        {
            return (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, Alignment), Alignment);
        }

        long rest = bytes % LargePage;
        nuint size = (nuint)(rest >= WorthFilling ? bytes - rest + LargePage : bytes);
        var memory = (byte*)NativeMemory.AlignedAlloc(size, LargePage);
        Advise(memory, size);
        return memory;
    }

    /// <summary>Gives memory back.</summary>
    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    private static void Advise(byte* memory, nuint size)
    {
        try
        {
            // Advice: what comes back does not matter.
            _ = MemoryAdvise(memory, size, AdviseHugePage);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Pages stay small.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(byte* memory, nuint size, int advice);
}
