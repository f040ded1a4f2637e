using System;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The elements of a tensor sorted by group; inside a group in row-major order.</summary>
internal sealed class WeightGroups
{
    private readonly float[] _values;
    private readonly int[] _starts;

    private WeightGroups(float[] values, int[] starts)
    {
        _values = values;
        _starts = starts;
    }

    public int Count => _starts.Length - 1;

    public ReadOnlySpan<float> this[int group] => _values.AsSpan(_starts[group], _starts[group + 1] - _starts[group]);

    public static WeightGroups Of(Tensor weights, AffineQuantization grouping)
    {
        ReadOnlySpan<float> values = weights.Values<float>();
        int count = grouping.GroupCount(weights.Shape);
        var starts = new int[count + 1];
        var groups = new int[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            groups[i] = grouping.GroupOf(weights.Shape, i);
            starts[groups[i] + 1]++;
        }

        for (int g = 0; g < count; g++)
        {
            starts[g + 1] += starts[g];
        }

        var next = (int[])starts.Clone();
        var sorted = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            sorted[next[groups[i]]++] = values[i];
        }

        return new WeightGroups(sorted, starts);
    }
}
