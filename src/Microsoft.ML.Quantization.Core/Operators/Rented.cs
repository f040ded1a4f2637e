using System;
using System.Buffers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>A tensor for the time of one call, its memory from the shared pool (or another's memory, which is left alone).</summary>
internal readonly struct Rented : IDisposable
{
    private readonly byte[]? _array;

    private Rented(Tensor tensor, byte[]? array)
    {
        Tensor = tensor;
        _array = array;
    }

    /// <summary>The tensor.</summary>
    public Tensor Tensor { get; }

    /// <summary>Rents memory; its contents are undefined.</summary>
    public static Rented New(ElementType type, Shape shape)
    {
        int length = checked(shape.Count * type.SizeOf());
        byte[] array = ArrayPool<byte>.Shared.Rent(length);
        return new Rented(new Tensor(type, shape, array.AsMemory(0, length)), array);
    }

    /// <summary>Wraps a tensor that somebody else owns.</summary>
    public static Rented Borrow(Tensor tensor) => new(tensor, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_array is not null)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }
    }
}
