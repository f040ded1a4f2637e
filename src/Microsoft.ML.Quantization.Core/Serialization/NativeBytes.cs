using System;
using System.Buffers;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// Memory outside the collected heap, given back at once. The bytes are unset. Some megabytes ask for pages of 2 MiB where the system has them: to touch fresh memory by pages of 4 KiB can
/// take several times as long as to copy a file into it.
/// </summary>
internal sealed unsafe partial class NativeBytes : MemoryManager<byte>
{
    private const int Alignment = 64;
    private const int LargePage = 2 << 20;
    private const int AdviseHugePage = 14;

    private readonly int _length;
    private byte* _pointer;

    public NativeBytes(int length)
    {
        _length = length;
        bool isLarge = OperatingSystem.IsLinux() && length >= LargePage;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, Alignment), isLarge ? (nuint)LargePage : Alignment);
        if (isLarge)
        {
            Advise(_pointer, (nuint)length);
        }
    }

    /// <summary>The address.</summary>
    public byte* Pointer => _pointer;

    /// <summary>Frees the memory. Nobody else does: a finalizer could run while a span is read.</summary>
    public void Free() => Dispose(true);

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new Span<byte>(_pointer, _length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_pointer + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
        // It never moves.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }

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
