using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Memory given back, by length, for the next step; every piece begins at a cache line.</summary>
internal sealed class MemoryStore
{
    private const int Line = 64;

    private readonly Dictionary<int, Stack<Memory<byte>>> _free = [];

    /// <summary>Memory of a length; its contents are undefined.</summary>
    public Memory<byte> Take(int length)
    {
        if (_free.TryGetValue(length, out Stack<Memory<byte>>? pieces) && pieces.TryPop(out Memory<byte> piece))
        {
            return piece;
        }

        byte[] array = GC.AllocateUninitializedArray<byte>(checked(length + Line), pinned: true);
        int offset = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (Line - 1));
        return array.AsMemory(offset, length);
    }

    /// <summary>Takes memory back.</summary>
    public void Put(Memory<byte> piece)
    {
        if (!_free.TryGetValue(piece.Length, out Stack<Memory<byte>>? pieces))
        {
            pieces = new Stack<Memory<byte>>();
            _free[piece.Length] = pieces;
        }

        pieces.Push(piece);
    }
}

/// <summary>
/// Tensors of one training step. Their memory returns to the store piece by piece or, at the latest, when the step ends; the next step, whose shapes are the same,
/// finds it there. For one thread; a tensor made elsewhere is let alone.
/// </summary>
internal sealed class StepMemory(MemoryStore store) : IDisposable
{
    private readonly Dictionary<byte[], Memory<byte>> _rented = new(ReferenceEqualityComparer.Instance);

    /// <summary>A tensor with undefined contents.</summary>
    public Tensor Rent(ElementType type, Shape shape)
    {
        Memory<byte> memory = store.Take(checked(shape.Count * type.SizeOf()));
        _rented[ArrayOf(memory)!] = memory;
        return new Tensor(type, shape, memory);
    }

    /// <summary>Floats with undefined contents.</summary>
    public Tensor Rent(int count) => Rent(ElementType.Float32, Shape.Of(count));

    /// <summary>A tensor of zeros.</summary>
    public Tensor Zeros(ElementType type, Shape shape)
    {
        Tensor tensor = Rent(type, shape);
        tensor.WritableBytes.Clear();
        return tensor;
    }

    /// <summary>Gives a tensor's memory back, whatever its shape by now.</summary>
    public void Return(Tensor tensor)
    {
        if (ArrayOf(tensor.Bytes) is { } array && _rented.Remove(array, out Memory<byte> memory))
        {
            store.Put(memory);
        }
    }

    /// <summary>Whether two tensors lie in one piece of memory.</summary>
    public static bool Share(Tensor a, Tensor b) => ReferenceEquals(a, b) || (ArrayOf(a.Bytes) is { } array && ReferenceEquals(array, ArrayOf(b.Bytes)));

    /// <summary>Ends the step: everything that is still out returns.</summary>
    public void Dispose()
    {
        foreach (Memory<byte> memory in _rented.Values)
        {
            store.Put(memory);
        }

        _rented.Clear();
    }

    private static byte[]? ArrayOf(ReadOnlyMemory<byte> memory) => MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment) ? segment.Array : null;
}
