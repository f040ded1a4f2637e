using System;
using System.Buffers;

namespace Microsoft.ML.Quantization.Packing;

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
