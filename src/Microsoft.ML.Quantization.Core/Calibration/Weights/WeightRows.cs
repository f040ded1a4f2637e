using System;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The output channels of a weight tensor [O, ..] and how much their errors count.</summary>
internal sealed class WeightRows
{
    private readonly float[] _values;
    private readonly double[]? _importance;
    private readonly int _length;

    public WeightRows(Tensor weights, double[]? importance)
    {
        _values = weights.Values<float>().ToArray();
        _importance = importance;
        Count = weights.Shape[0];
        _length = _values.Length / Math.Max(Count, 1);
    }

    /// <summary>Number of channels.</summary>
    public int Count { get; }

    /// <summary>max|w| of a channel.</summary>
    public float Bound(int row)
    {
        float bound = 0;
        foreach (float value in _values.AsSpan(row * _length, _length))
        {
            bound = Math.Max(bound, Math.Abs(value));
        }

        return bound;
    }

    /// <summary>w/s of the channels [begin, end) that are not all 0, with the weights h·s².</summary>
    public LinePoints Points(float[] scales, int begin, int end)
    {
        var values = new double[(end - begin) * _length];
        var weights = new double[values.Length];
        for (int row = begin; row < end; row++)
        {
            double scale = scales[scales.Length == 1 ? 0 : row];
            double factor = Bound(row) == 0 ? 0 : scale * scale;
            for (int i = 0; i < _length; i++)
            {
                int at = ((row - begin) * _length) + i;
                values[at] = _values[(row * _length) + i] / scale;
                weights[at] = factor * Importance((row * _length) + i);
            }
        }

        return LinePoints.Of(values, weights);
    }

    /// <summary>Mean squared error of all weights, each counting alike.</summary>
    public double Error(AffineQuantization quantization)
    {
        double error = 0;
        for (int row = 0; row < Count; row++)
        {
            error += RowError(quantization, row, ScaleOf(quantization, row), false);
        }

        return error / Math.Max(_values.Length, 1);
    }

    /// <summary>The squared error, weighted, of the weights of one scale if it were another.</summary>
    public double ErrorAt(AffineQuantization quantization, int index, float scale)
    {
        double error = 0;
        for (int row = FirstRow(quantization, index); row < LastRow(quantization, index); row++)
        {
            error += RowError(quantization, row, scale, true);
        }

        return error;
    }

    /// <summary>Σ h·w·level / Σ h·level² of each scale, with the codes of today's scales; the scale of today where that is not a positive normal number.</summary>
    public float[] LeastSquaresScales(AffineQuantization quantization)
    {
        var scales = new float[quantization.Scales.Length];
        for (int i = 0; i < scales.Length; i++)
        {
            double products = 0;
            double squares = 0;
            for (int row = FirstRow(quantization, i); row < LastRow(quantization, i); row++)
            {
                for (int at = row * _length; at < (row + 1) * _length; at++)
                {
                    double level = quantization.Codebook!.LevelOf(row, quantization.Codebook.Nearest(row, _values[at], quantization.Scales[i]));
                    products += Importance(at) * _values[at] * level;
                    squares += Importance(at) * level * level;
                }
            }

            float scale = (float)(products / squares);
            scales[i] = float.IsFinite(scale) && scale >= WeightError.SmallestNormal ? scale : quantization.Scales[i];
        }

        return scales;
    }

    private static float ScaleOf(AffineQuantization quantization, int row) => quantization.Scales[quantization.Scales.Length == 1 ? 0 : row];

    private static int FirstRow(AffineQuantization quantization, int index) => quantization.Scales.Length == 1 ? 0 : index;

    private int LastRow(AffineQuantization quantization, int index) => quantization.Scales.Length == 1 ? Count : index + 1;

    private double RowError(AffineQuantization quantization, int row, float scale, bool weighted)
    {
        Codebook book = quantization.Codebook!;
        double error = 0;
        for (int at = row * _length; at < (row + 1) * _length; at++)
        {
            double d = _values[at] - (double)(book.LevelOf(row, book.Nearest(row, _values[at], scale)) * scale);
            error += d * d * (weighted ? Importance(at) : 1);
        }

        return error;
    }

    private double Importance(int index) => _importance is null ? 1 : _importance[index];
}
