using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Constants whose scales stand for blocks along an axis (operator set 21) become floats at import.</summary>
internal static class BlockDecoder
{
    /// <summary>(code − zero) · scale, scale and zero of the block that the element lies in.</summary>
    public static ImportValue Decode(NodeCall call, int block)
    {
        Tensor codes = call.Input(0).Constant!;
        Tensor scales = call.Constant(1, "the scale");
        Shape shape = codes.Shape;
        int axis = call.Axis(call.Attributes.Long("axis", 1), shape.Rank);
        Shape wanted = shape.With(axis, (shape[axis] + block - 1) / block);
        call.RequireValid(scales.Shape.Equals(wanted), $"scales {wanted} for blocks of {block}, found {scales}");
        ImmutableArray<int> zeros = QuantizerReader.Zeros(call, 2, scales.Shape.Count);
        call.Context.Budget.Reserve((long)shape.Count * sizeof(float), call.Place);
        Tensor result = Tensor.Allocate(ElementType.Float32, shape);
        int inner = shape.CountOf(axis + 1, shape.Rank);
        int groups = wanted[axis];
        Span<float> values = result.Writable<float>();
        for (int i = 0; i < values.Length; i++)
        {
            int along = i / inner % shape[axis];
            int group = (((i / inner / shape[axis] * groups) + (along / block)) * inner) + (i % inner);
            values[i] = (float)(CodeAccess.Read(codes, i) - zeros[group]) * scales.Values<float>()[group];
        }

        return call.NewConstant(result);
    }
}
