using System;
using System.Buffers;
using Microsoft.ML.Quantization.Allocation;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Memory outside the collected heap, given back at once. The bytes are unset.</summary>
internal sealed unsafe class NativeBytes(int length) : MemoryManager<byte>
{
    private byte* _pointer = NativePages.Allocate(length);

    /// <summary>The address.</summary>
    public byte* Pointer => _pointer;

    /// <summary>Frees the memory. Nobody else does: a finalizer could run while a span is read.</summary>
    public void Free() => Dispose(true);

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new Span<byte>(_pointer, length);
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
        NativePages.Free(_pointer);
        _pointer = null;
    }
}
