using System;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>The weight section of a file in memory, and how its constants become tensors.</summary>
/// <param name="data">The bytes of the section.</param>
internal class WeightSection(Memory<byte> data)
{
    private long _left = data.Length;

    /// <summary>Bytes of the section.</summary>
    public int Length => data.Length;

    /// <summary>Counts the bytes of a constant; false once all of them exceed the section, as they do where constants share bytes.</summary>
    public bool TryTake(long bytes)
    {
        _left -= bytes;
        return _left >= 0;
    }

    /// <summary>The constant whose bytes begin at <paramref name="offset"/>, a place inside the section; codes of fewer than 8 bits are unpacked.</summary>
    public virtual Tensor Constant(ValueType type, int offset)
    {
        Memory<byte> source = data.Slice(offset, (int)ConstantStore.Length(type));
        if (ConstantStore.PackedBits(type) == 0)
        {
            return new Tensor(type.Element, type.Shape, source);
        }

        var tensor = Tensor.Allocate(type.Element, type.Shape);
        ConstantStore.Unpack(type, source.Span, tensor.WritableBytes);
        return tensor;
    }
}
