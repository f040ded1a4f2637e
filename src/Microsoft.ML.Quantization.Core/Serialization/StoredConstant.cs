using System;
using System.Buffers;
using System.Runtime.InteropServices;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>The bytes of one constant of a <see cref="StoredWeights"/>: in its memory at first, then in an array of their own, or read from the file when asked for.</summary>
internal sealed unsafe class StoredConstant(StoredWeights store, ValueType type, int offset, byte* place, NativeBytes? unpacked) : MemoryManager<byte>
{
    /// <summary>Constants below this size are always kept.</summary>
    public const int SmallBytes = 4096;

    private byte* _place = place;
    private NativeBytes? _unpacked = unpacked;
    private byte[]? _kept;
    private WeakReference<byte[]>? _again;

    /// <summary>Bytes of the constant in memory.</summary>
    public int Length { get; } = checked(type.Shape.Count * Tensors.ElementTypes.SizeOf(type.Element));

    /// <summary>Leaves the memory of the store.</summary>
    /// <param name="keep">Whether to copy the bytes.</param>
    public void Release(bool keep)
    {
        _kept = keep ? new ReadOnlySpan<byte>(_place, Length).ToArray() : null;
        _place = null;
        _unpacked?.Free();
        _unpacked = null;
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => _kept is { } kept ? kept : _place is not null ? new Span<byte>(_place, Length) : Read();

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        if (_place is not null)
        {
            return new MemoryHandle(_place + elementIndex);
        }

        ArraySegment<byte> bytes = _kept is { } kept ? kept : ReadArray();
        var handle = GCHandle.Alloc(bytes.Array, GCHandleType.Pinned);
        return new MemoryHandle((byte*)handle.AddrOfPinnedObject() + bytes.Offset + elementIndex, handle);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // The handle of an array unpins itself; other memory never moves.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The store owns the memory.
    }

    private Span<byte> Read() => ReadArray();

    private ArraySegment<byte> ReadArray()
    {
        int bits = ConstantStore.PackedBits(type);
        if (bits == 0)
        {
            return new ArraySegment<byte>(store.Again(), offset, Length);
        }

        if (_again is not { } again || !again.TryGetTarget(out byte[]? codes))
        {
            codes = new byte[Length];
            ConstantStore.Unpack(type, store.Again().AsSpan(offset, (int)ConstantStore.Length(type)), codes);
            _again = new WeakReference<byte[]>(codes);
        }

        return codes;
    }
}
