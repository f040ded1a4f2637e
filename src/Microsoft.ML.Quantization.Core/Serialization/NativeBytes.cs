using System;
using System.Buffers;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Memory outside the collected heap, given back at once. The bytes are unset.</summary>
internal sealed unsafe class NativeBytes : MemoryManager<byte>
{
    private const int Alignment = 64;

    private readonly int _length;
    private byte* _pointer;

    public NativeBytes(int length)
    {
        _length = length;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, Alignment), Alignment);
    }

    ~NativeBytes() => Dispose(false);

    /// <summary>The address.</summary>
    public byte* Pointer => _pointer;

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

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
}
