using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Types of graph inputs: a first axis without a size is the free batch, others need a size from the options.</summary>
internal sealed class InputReader(OnnxImportOptions options, List<string> widened)
{
    private readonly List<string> _open = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Names in the options that no input of the file has, behind <see cref="Read"/>.</summary>
    public IEnumerable<string> UnknownDimensions => options.Dimensions.Keys.Where(n => !_names.Contains(n)).Order(StringComparer.Ordinal);

    /// <summary>The types of all inputs.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/> naming every dimension without a size.</exception>
    public ImmutableArray<(string Name, ValueType Type)> Read(IEnumerable<ValueMessage> inputs)
    {
        var result = ImmutableArray.CreateBuilder<(string, ValueType)>();
        foreach (ValueMessage input in inputs)
        {
            result.Add((input.Name, ReadOne(input)));
        }

        if (_open.Count > 0)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InputShapeMismatch,
                $"Inputs: expected a size for every dimension but the first, found none for {string.Join(", ", _open)}. Give the sizes with Dimensions, by the name in brackets.");
        }

        return result.ToImmutable();
    }

    private ValueType ReadOne(ValueMessage input)
    {
        if (input.Type?.Tensor is not { } tensor)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedElementType, $"Input '{input.Name}': expected a tensor, found a sequence, map or no type.");
        }

        DataFormat format = DataFormat.Of(tensor.Element, input.Name);
        if (format.IsWidenedFloat)
        {
            widened.Add(input.Name);
        }

        if (tensor.Shape is null)
        {
            _open.Add($"all of '{input.Name}' (no shape in the file)");
            return new ValueType(format.Element, Shape.Scalar);
        }

        if (tensor.Shape.Dimensions.Count > Shape.MaximumRank)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidShape, $"Input '{input.Name}': expected a rank of at most {Shape.MaximumRank}, found {tensor.Shape.Dimensions.Count}.");
        }

        return new ValueType(format.Element, new Shape([.. tensor.Shape.Dimensions.Select((d, i) => Dimension(input.Name, d, i))]));
    }

    private int Dimension(string input, DimensionMessage dimension, int axis)
    {
        if (dimension.KindCase == DimensionMessage.KindOneofCase.Size && dimension.Size > 0)
        {
            return dimension.Size <= int.MaxValue ? (int)dimension.Size : throw Invalid(input, dimension.Size);
        }

        if (dimension.KindCase == DimensionMessage.KindOneofCase.Size && dimension.Size < -1)
        {
            throw Invalid(input, dimension.Size);
        }

        string position = string.Create(CultureInfo.InvariantCulture, $"{input}[{axis}]");
        _names.UnionWith([dimension.Parameter, position]);
        if (options.Dimensions.TryGetValue(dimension.Parameter, out int size) || options.Dimensions.TryGetValue(position, out size))
        {
            return size > 0 ? size : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Dimensions: expected sizes from 1, found {size} for '{input}'.");
        }

        if (axis > 0)
        {
            _open.Add($"axis {axis} of '{input}' (\"{(dimension.Parameter.Length > 0 ? dimension.Parameter : position)}\")");
            return 1;
        }

        return Shape.Free;
    }

    private static QuantizationException Invalid(string input, long size)
        => new(QuantizationErrorCode.InvalidShape, $"Input '{input}': expected dimensions from 1 to 2^31 - 1, found {size}.");
}
