using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Sums of products of a 2-D convolution or a dense layer in double, from the definition.</summary>
internal sealed class LayerSums
{
    private readonly Shape _x;
    private readonly Window? _window;
    private readonly int _height = 1;
    private readonly int _width = 1;

    public LayerSums(Node node, Tensor x, Tensor w)
    {
        _x = x.Shape;
        (Channels, Length) = (w.Shape[0], w.Shape.CountOf(1, w.Shape.Rank));
        if (node is Convolution convolution)
        {
            _window = convolution.Window;
            _height = Places(0);
            _width = Places(1);
        }
    }

    /// <summary>Output channels.</summary>
    public int Channels { get; }

    /// <summary>Products of an output.</summary>
    public int Length { get; }

    /// <summary>Places of a channel.</summary>
    public int Inner => _height * _width;

    /// <summary>Σ x·w of every output, or Σ |x·w|.</summary>
    public double[] Of(ReadOnlySpan<float> x, ReadOnlySpan<float> w, bool sizes)
    {
        var sums = new double[_x[0] * Channels * Inner];
        for (int i = 0; i < sums.Length; i++)
        {
            (int row, int channel) = (i / (Channels * Inner), i / Inner % Channels);
            for (int k = 0; k < Length; k++)
            {
                int at = Place(row, i % Inner, k);
                double product = at < 0 ? 0 : (double)x[at] * w[(channel * Length) + k];
                sums[i] += sizes ? Math.Abs(product) : product;
            }
        }

        return sums;
    }

    private int Places(int axis) => ((_x[axis + 2] + _window!.PadsBegin[axis] + _window.PadsEnd[axis] - _window.Kernel[axis]) / _window.Strides[axis]) + 1;

    private int Place(int row, int place, int k)
    {
        if (_window is null)
        {
            return (row * Length) + k;
        }

        int taps = _window.Kernel[0] * _window.Kernel[1];
        int y = (place / _width * _window.Strides[0]) - _window.PadsBegin[0] + (k % taps / _window.Kernel[1]);
        int x = (place % _width * _window.Strides[1]) - _window.PadsBegin[1] + (k % _window.Kernel[1]);
        return y < 0 || y >= _x[2] || x < 0 || x >= _x[3] ? -1 : (((((row * _x[1]) + (k / taps)) * _x[2]) + y) * _x[3]) + x;
    }
}
