using System;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The runs of neighbouring elements that share one group of a quantizer.</summary>
internal sealed class GroupRuns
{
    private readonly AffineQuantization _quantizer;
    private readonly Shape _shape;
    private readonly int _inner;
    private readonly int _size;

    public GroupRuns(AffineQuantization quantizer, Shape shape)
    {
        _quantizer = quantizer;
        _shape = shape;
        bool single = quantizer.Granularity == Granularity.PerTensor;
        int axis = single ? 0 : shape.Axis(quantizer.Axis);
        _inner = single ? 0 : shape.CountOf(axis + 1, shape.Rank);
        _size = single ? 0 : shape[axis];
    }

    /// <summary>The group of an element, and how many elements from it on, at most <paramref name="limit"/>, are of that group.</summary>
    public (int Group, int Length) At(int index, int limit)
    {
        int length = _quantizer.Granularity switch
        {
            Granularity.PerTensor => limit,
            Granularity.PerGroup when _inner == 1 => RunAlongAxis(index % _size),
            Granularity.PerGroup => 1,
            _ => _inner - (index % _inner),
        };
        return (_quantizer.GroupOf(_shape, index), Math.Min(length, limit));
    }

    private int RunAlongAxis(int along) => Math.Min(_quantizer.GroupSize - (along % _quantizer.GroupSize), _size - along);
}
