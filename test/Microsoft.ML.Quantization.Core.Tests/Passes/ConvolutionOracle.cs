using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>
/// One padded 3×3 convolution with bias and ReLU, and what its codes must be: y = clamp(round((b + Σ sx·(qx − zx)·sw·qw) / sy)) + zy in double from the definition of the
/// quantizers, with loops of its own. Only where the exact quotient lies next to a tie may a code differ by 1; those must be rare.
/// </summary>
internal sealed class ConvolutionOracle
{
    private const int Inputs = 3;
    private const int Outputs = 4;
    private const int Size = 6;
    private readonly int _weightBits;
    private readonly int _activationBits;
    private readonly float[] _x = RandomTensors.Floats(Shape.Of(1, Inputs, Size, Size), 5).Values<float>().ToArray();
    private readonly float[] _w = RandomTensors.Floats(Shape.Of(Outputs, Inputs, 3, 3), 6, 0.5f).Values<float>().ToArray();
    private readonly float[] _b = [0.3f, -0.4f, 0.05f, 0.7f];
    private readonly float[] _weightScales;
    private readonly float _xScale;
    private readonly float _yScale;
    private readonly int _xZero;
    private readonly int _yZero;

    public ConvolutionOracle(int weightBits, int activationBits)
    {
        (_weightBits, _activationBits) = (weightBits, activationBits);
        int levels = (1 << activationBits) - 1;
        (_xScale, _xZero) = (4f / levels, levels / 2);
        (_yScale, _yZero) = (5f / levels, 1);
        _weightScales = new float[Outputs];
        for (int c = 0; c < Outputs; c++)
        {
            _weightScales[c] = 0.4f / ((1 << (weightBits - 1)) - 1) * (1 + (0.1f * c));
        }
    }

    public byte[] Run()
    {
        var net = new Net();
        ValueId x = net.Fake("xq", net.Input("x", 1, Inputs, Size, Size), _activationBits, false, [_xScale], _xZero);
        ValueId w = net.Fake("wq", net.Constant("w", [Outputs, Inputs, 3, 3], _w), _weightBits, true, _weightScales);
        ValueId c = net.Conv("conv", x, w, net.Constant("b", [Outputs], _b), 1, Activation.Relu);
        Graph graph = LowerToInteger.Run(net.Build(net.Fake("yq", c, _activationBits, false, [_yScale], _yZero)), Harness.Evaluate).Graph;
        float[] y = Harness.Run(graph, [Tensor.Create(Shape.Of(1, Inputs, Size, Size), _x)]);
        return Array.ConvertAll(y, v => (byte)(Math.Round((double)v / _yScale) + _yZero));
    }

    public List<string> Compare(byte[] found)
    {
        var wrong = new List<string>();
        int close = 0;
        for (int i = 0; i < found.Length; i++)
        {
            double exact = Math.Max(Exact(i / (Size * Size), i / Size % Size, i % Size), 0) / _yScale;
            double code = Math.Clamp(Math.Round(exact, MidpointRounding.ToEven) + _yZero, 0, (1 << _activationBits) - 1);
            bool nearTie = Math.Abs(exact - Math.Floor(exact) - 0.5) < 0.01;
            close += nearTie ? 1 : 0;
            if (Math.Abs(found[i] - code) > (nearTie ? 1 : 0))
            {
                wrong.Add(string.Create(CultureInfo.InvariantCulture, $"output {i}: expected {code} ({exact}), found {found[i]}"));
            }
        }

        if (close > found.Length / 10)
        {
            wrong.Add("too many outputs next to a tie to prove anything");
        }

        return wrong;
    }

    private double Exact(int channel, int row, int column)
    {
        double sum = _b[channel];
        for (int i = 0; i < Inputs * 9; i++)
        {
            (int c, int y, int x) = (i / 9, row + (i % 9 / 3) - 1, column + (i % 3) - 1);
            if (y is >= 0 and < Size && x is >= 0 and < Size)
            {
                double qx = Code(_x[(((c * Size) + y) * Size) + x], _xScale, _xZero, 0, (1 << _activationBits) - 1) - _xZero;
                double qw = Code(_w[(channel * Inputs * 9) + i], _weightScales[channel], 0, -(1 << (_weightBits - 1)), (1 << (_weightBits - 1)) - 1);
                sum += qx * _xScale * qw * _weightScales[channel];
            }
        }

        return sum;
    }

    private static double Code(float real, float scale, int zero, int low, int high)
        => Math.Clamp(Math.Round((double)(real / scale), MidpointRounding.ToEven) + zero, low, high);
}
