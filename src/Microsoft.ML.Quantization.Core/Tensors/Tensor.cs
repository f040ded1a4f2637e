using System;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Tensors;

/// <summary>
/// Dense row-major values. Whoever allocates a tensor fills it; from the hand-over on it is read only. Codes hold one
/// code an element, whatever their width. The memory may be a part of a file read whole.
/// </summary>
public sealed class Tensor
{
    private readonly Memory<byte> _memory;

    /// <summary>Wraps memory of exactly the length that type and shape need.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.TensorLengthMismatch"/>.</exception>
    public Tensor(ElementType type, Shape shape, Memory<byte> memory)
    {
        ArgumentNullException.ThrowIfNull(shape);
        long expected = (long)shape.Count * type.SizeOf();
        if (memory.Length != expected)
        {
            throw new QuantizationException(
                QuantizationErrorCode.TensorLengthMismatch,
                string.Create(CultureInfo.InvariantCulture, $"Tensor {type}{shape}: expected {expected} bytes, found {memory.Length}."));
        }

        Type = type;
        Shape = shape;
        _memory = memory;
    }

    /// <summary>Element type.</summary>
    public ElementType Type { get; }

    /// <summary>Sizes; none is free.</summary>
    public Shape Shape { get; }

    /// <summary>The bytes, little-endian.</summary>
    public ReadOnlyMemory<byte> Bytes => _memory;

    /// <summary>Allocates zeros.</summary>
    public static Tensor Allocate(ElementType type, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return new(type, shape, new byte[checked(shape.Count * type.SizeOf())]);
    }

    /// <summary>Copies values.</summary>
    public static Tensor Create<T>(Shape shape, ReadOnlySpan<T> values)
        where T : unmanaged
        => new(ElementTypes.Of<T>(), shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Copies values.</summary>
    public static Tensor Create<T>(Shape shape, T[] values)
        where T : unmanaged
        => Create(shape, values.AsSpan());

    /// <summary>Copies values.</summary>
    public static Tensor Create<T>(Shape shape, Span<T> values)
        where T : unmanaged
        => Create(shape, (ReadOnlySpan<T>)values);

    /// <summary>The values.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not this tensor's type.</exception>
    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged
        => Writable<T>();

    /// <summary>The same memory under another shape of the same count.</summary>
    public Tensor Reshape(Shape shape) => new(Type, shape, _memory);

    /// <summary>The values, for whoever allocated this tensor and has not handed it over.</summary>
    internal Span<T> Writable<T>()
        where T : unmanaged
    {
        if (ElementTypes.Of<T>() != Type)
        {
            throw new InvalidOperationException($"The tensor holds {Type}, not {typeof(T).Name}.");
        }

        return MemoryMarshal.Cast<byte, T>(_memory.Span);
    }

    /// <summary>The bytes, for whoever allocated this tensor and has not handed it over.</summary>
    internal Span<byte> WritableBytes => _memory.Span;

    /// <inheritdoc/>
    public override string ToString() => Type + Shape.ToString();
}
