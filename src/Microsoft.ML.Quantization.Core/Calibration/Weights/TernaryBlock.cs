using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>One block of weights, the ternary terms that it has, and the next one.</summary>
internal sealed class TernaryBlock
{
    private static readonly float[] _levels = [0, 1];

    private readonly float[] _rest;
    private readonly List<(float Scale, sbyte[] Codes)> _terms = [];
    private (float Scale, sbyte[] Codes) _next;
    private double _nextError;

    /// <summary>The block with its first term, which every block has; one of zeros has codes of zero.</summary>
    public TernaryBlock(ReadOnlySpan<float> weights)
    {
        _rest = weights.ToArray();
        Size = Error = Squares(_rest);
        Look();
        Add();
    }

    /// <summary>Scales and codes, in the order in which they were found.</summary>
    public IReadOnlyList<(float Scale, sbyte[] Codes)> Terms => _terms;

    /// <summary>‖w‖².</summary>
    public double Size { get; }

    /// <summary>‖w − ŵ‖² of the terms so far.</summary>
    public double Error { get; private set; }

    /// <summary>S²/k of the next term, what it takes off the error; 0 when there is none.</summary>
    public double Gain { get; private set; }

    /// <summary>‖w − ŵ‖/‖w‖; 0 for zeros.</summary>
    public double RelativeError => Size == 0 ? 0 : Math.Sqrt(Error / Size);

    /// <summary>Adds the next term.</summary>
    public void Add()
    {
        _terms.Add(_next);
        for (int i = 0; i < _rest.Length; i++)
        {
            _rest[i] -= _next.Scale * _next.Codes[i];
        }

        Error = _nextError;
        Look();
    }

    /// <summary>The exact ternary form of what is left: the k largest sizes, k making S²/k largest, α = S/k.</summary>
    private void Look()
    {
        (Gain, _nextError) = (0, Error);
        float scale = ScaledLevels.Solve(_rest, [], _levels);
        _next = (LevelTable.SmallestScale, new sbyte[_rest.Length]);
        if (!(scale >= LevelTable.SmallestScale))
        {
            return;
        }

        var table = LevelTable.Nearest(2, _levels, [scale]);
        var codes = new sbyte[_rest.Length];
        (double sum, int count, double error) = (0, 0, 0);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (sbyte)table.Value(0, 0, _rest[i]);
            sum += codes[i] * (double)_rest[i];
            count += codes[i] == 0 ? 0 : 1;
            float rest = _rest[i] - (scale * codes[i]);
            error += (double)rest * rest;
        }

        // Where floats end, a term may no longer help.
        if (error < Error)
        {
            (_next, _nextError, Gain) = ((scale, codes), error, sum * sum / count);
        }
    }

    private static double Squares(float[] values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return sum;
    }
}
