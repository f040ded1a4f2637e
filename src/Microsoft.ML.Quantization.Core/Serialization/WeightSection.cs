using System;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>The weight section of a file in memory, and how its constants become tensors.</summary>
/// <param name="data">The bytes of the section.</param>
internal class WeightSection(Memory<byte> data)
{
    /// <summary>Bytes of the section.</summary>
    public int Length => data.Length;

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
