using System;
using System.Buffers;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>64-byte aligned memory outside the garbage-collected heap.</summary>
internal sealed unsafe class Arena : SafeHandle
{
    private const int Alignment = 64;

    public Arena(long bytes)
        : base(0, ownsHandle: true)
        => SetHandle((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, Alignment), Alignment));

    public byte* Pointer => (byte*)handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}

/// <summary>A part of an arena as <see cref="Memory{T}"/>; the arena outlives it.</summary>
internal sealed unsafe class ArenaSlice(byte* pointer, int length) : MemoryManager<byte>
{
    private readonly byte* _pointer = pointer;

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(_pointer, length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_pointer + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
        // Memory of an arena never moves.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The arena owns the memory.
    }
}
