using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>
/// Hard evaluation of a trained network in codes, layer by layer, each on the engine's own levels in front of it: exact sums of whole numbers, the scale once, the float expression of law 5; and
/// beside it the same value in double with a bound of what float sums and rounded biases may change. Loops of its own; what it is compared with comes from the lowered network.
/// </summary>
internal sealed class CodeDomain
{
    private const double Unit = 1.0 / (1 << 24);

    private readonly Graph _hard;
    private readonly Dictionary<string, (Value Value, Tensor Data)> _engine;
    private readonly Tensor?[] _values;
    private readonly Dictionary<int, Line> _lines = [];
    private readonly Node?[] _producers;

    private CodeDomain(Graph hard, Dictionary<string, (Value Value, Tensor Data)> engine)
    {
        (_hard, _engine) = (hard, engine);
        _values = [.. hard.Values.Select(v => v.Constant)];
        _producers = hard.Producers();
    }

    /// <summary>One quantizer of activations: levels that the engine took, and what they are held against.</summary>
    /// <param name="Name">The quantizer's value.</param>
    /// <param name="Found">Levels of the engine.</param>
    /// <param name="Expected">Levels of evaluation in codes.</param>
    /// <param name="Lowest">The level of the exact value less what rounding may change.</param>
    /// <param name="Highest">The level of the exact value and what rounding may change.</param>
    /// <param name="Nearest">The level of the exact value.</param>
    /// <param name="Step">The distance of two levels.</param>
    public sealed record Site(string Name, float[] Found, float[]? Expected, float[] Lowest, float[] Highest, float[] Nearest, float Step);

    /// <summary>Every quantizer of activations behind a layer or an input.</summary>
    public static List<Site> Run(QuantizationAwareResult result, Tensor rows)
    {
        var found = new Dictionary<string, (Value, Tensor)>(StringComparer.Ordinal);
        using var interpreter = new Evaluator(result.Quantized.Integer, OperatorTable.Reference);
        interpreter.Run([rows], (id, tensor) => found[result.Quantized.Integer[id].Name] = (result.Quantized.Integer[id], tensor), CancellationToken.None);
        return new CodeDomain(PostTrainingQuantizer.Clean(result.Hardened).Bind(rows.Shape[0]), found).Walk(rows);
    }

    private List<Site> Walk(Tensor rows)
    {
        var sites = new List<Site>();
        _values[_hard.Inputs[0].Index] = rows;
        foreach (Node node in _hard.Nodes)
        {
            int input = node.Inputs[0].Index;
            bool isLine = _lines.ContainsKey(input);
            if (node is FakeQuantize or Staircase && _hard.Values[input].Constant is null)
            {
                sites.Add(Quantizer(node));
            }
            else if (node is Convolution or Dense)
            {
                _lines[node.Output.Index] = Layer(node);
            }
            else if (isLine && node is BatchNormalization normalization)
            {
                _lines[node.Output.Index] = _lines[input].Then(normalization, [.. node.Inputs.Skip(1).Select(i => _hard.ConstantOf(i))]);
            }
            else if (isLine && node is Binary { Operator: BinaryOperator.Multiply or BinaryOperator.Add } step && _hard[node.Inputs[1]].Constant is { } number && number.Shape.Count == 1)
            {
                double value = number.Values<float>()[0];
                _lines[node.Output.Index] = step.Operator == BinaryOperator.Add ? _lines[input].Then(1, value) : _lines[input].Then(value, 0);
            }
            else if (isLine && node is Unary { Operator: UnaryOperator.Clip } clip)
            {
                _lines[node.Output.Index] = _lines[input].Then(new Activation(clip.Alpha, clip.Beta));
            }
            else
            {
                _values[node.Output.Index] = Tensor.Allocate(ElementType.Float32, _hard[node.Output].Type.Shape);
                OperatorTable.Reference.Run(_hard, node, [.. node.Inputs.Select(i => _values[i.Index]!)], [_values[node.Output.Index]!]);
            }
        }

        return sites;
    }

    private Site Quantizer(Node node)
    {
        var stairs = Stairs.Of(_hard, node);
        float[] found = Found(node, stairs);
        _values[node.Output.Index] = Tensor.Create<float>(_hard[node.Output].Type.Shape, found);
        string name = _hard[node.Output].Name;
        if (!_lines.TryGetValue(node.Inputs[0].Index, out Line? line))
        {
            float[] x = _values[node.Inputs[0].Index]!.Values<float>().ToArray();
            float[] exact = [.. x.Select(stairs.Level)];
            return new Site(name, found, exact, exact, exact, exact, stairs.Step);
        }

        float[] At(Func<int, double> value) => [.. Enumerable.Range(0, found.Length).Select(i => stairs.Level((float)value(i)))];
        return new Site(name, found, line.Levels(stairs), At(i => line.Real[i] - line.Reach(i)), At(i => line.Real[i] + line.Reach(i)), At(i => line.Real[i]), stairs.Step);
    }

    /// <summary>The engine's levels: codes of the quantizer, indices of a staircase, or floats where no codes stand for its levels.</summary>
    private float[] Found(Node node, Stairs stairs)
    {
        string name = _hard[node.Output].Name;
        (Value value, Tensor data) = _engine.TryGetValue(name, out (Value Value, Tensor Data) own) ? own : _engine[name + ".index"];
        return value.Type.Quantization is not { } quantizer ? data.Values<float>().ToArray()
            : value.Name == name ? [.. quantizer.Decode(data).Values<float>().ToArray().Select(stairs.Snap)]
            : [.. quantizer.Decode(data).Values<float>().ToArray().Select(i => stairs.Indexed((int)i))];
    }

    private Line Layer(Node node)
    {
        Tensor x = _values[node.Inputs[0].Index]!;
        Tensor w = _values[node.Inputs[1].Index]!;
        List<Node>? planes = Planes(node.Inputs[1]);
        var sums = new LayerSums(node, x, w);
        var line = new Line(sums.Of(x.Values<float>(), w.Values<float>(), sizes: false), sums.Of(x.Values<float>(), w.Values<float>(), sizes: true), sums.Channels, sums.Inner, sums.Length);
        if (planes is not null && Input(node.Inputs[0]) is { } input)
        {
            float[] codes = [.. x.Values<float>().ToArray().Select(v => (float)Math.Round(v / (double)input.Step))];
            foreach (FakeQuantize plane in planes.Cast<FakeQuantize>())
            {
                var quantizer = plane.Quantizer(_hard);
                Tensor own = _values[plane.Output.Index]!;
                float Scale(int c) => quantizer.Scales[quantizer.Scales.Length == 1 ? 0 : c];
                float[] whole = [.. own.Values<float>().ToArray().Select((v, i) => (float)Math.Round(v / (double)Scale(i / sums.Length)))];
                line.Add(sums.Of(codes, whole, sizes: false), [.. Enumerable.Range(0, sums.Channels).Select(c => (double)input.Step * Scale(c))]);
            }

            line.Bits = input.Bits + planes.Cast<FakeQuantize>().Max(p => p.Code.Bits.Bits);
        }

        if (node.Inputs.Length > 2)
        {
            line.Bias(_hard.ConstantOf(node.Inputs[2]).Values<float>().ToArray());
        }

        return line.Then(node is Convolution convolution ? convolution.Activation : ((Dense)node).Activation);
    }

    /// <summary>The quantizers whose sum the weights are; null when they are something else.</summary>
    private List<Node>? Planes(ValueId weights) => _producers[weights.Index] switch
    {
        FakeQuantize fake => [fake],
        Binary { Operator: BinaryOperator.Add } sum when Planes(sum.Inputs[0]) is { } a && Planes(sum.Inputs[1]) is { } b => [.. a, .. b],
        _ => null,
    };

    /// <summary>The step and width of the codes that a layer reads; null where it reads a sum of bits.</summary>
    private (float Step, int Bits)? Input(ValueId value)
    {
        while (_producers[value.Index] is { } node and not (FakeQuantize or Staircase))
        {
            value = node.Inputs[0];
        }

        return _engine.TryGetValue(_hard[value].Name, out (Value Value, Tensor Data) own) && own.Value.Type.Quantization is { } quantizer
            ? (quantizer.Single.Scale, quantizer.Code.Bits.Bits)
            : null;
    }

    /// <summary>The value behind a layer and what follows it: exact, and as the sums of whole numbers that the engine has.</summary>
    private sealed class Line(double[] real, double[] sizes, int channels, int inner, int length)
    {
        private const int CoarseBits = 13;
        private readonly List<(double[] Sums, double[] Steps)> _planes = [];
        private double[] _offsets = [.. new double[channels]];
        private double[] _bound = [.. sizes.Select(s => s * (length + 8) * Unit)];
        private Activation _clamp = Activation.None;

        public double[] Real { get; private set; } = real;

        public int Bits { get; set; }

        public void Add(double[] sums, double[] steps) => _planes.Add((sums, steps));

        /// <summary>What rounding may change.</summary>
        public double Reach(int i) => _bound[i] + (4 * Unit * Math.Abs(Real[i]));

        /// <summary>A bias: whole accumulator steps, and what is left over where steps are coarse.</summary>
        public void Bias(float[] bias)
        {
            double[] whole = [.. bias.Select((b, c) => _planes.Count == 1 ? Math.Round(b / _planes[0].Steps[c]) : 0)];
            bool isCoarse = Bits <= CoarseBits || _planes.Count != 1;
            if (_planes.Count == 1)
            {
                _planes[0] = ([.. _planes[0].Sums.Select((s, i) => s + whole[Channel(i)])], _planes[0].Steps);
            }

            _offsets = [.. bias.Select((b, c) => _planes.Count != 1 ? b : isCoarse ? b - (whole[c] * _planes[0].Steps[c]) : 0)];
            _bound = [.. _bound.Select((e, i) => e + (2 * Unit * Math.Abs(bias[Channel(i)])) + (isCoarse ? 0 : _planes[0].Steps[Channel(i)] / 2))];
            Real = [.. Real.Select((z, i) => z + bias[Channel(i)])];
        }

        public Line Then(Activation clamp)
        {
            Real = [.. Real.Select(z => Math.Clamp(z, clamp.Low, clamp.High))];
            _clamp = new Activation(Math.Max(_clamp.Low, clamp.Low), Math.Min(_clamp.High, clamp.High));
            return this;
        }

        public Line Then(BatchNormalization node, Tensor[] constants)
        {
            float[][] p = [.. constants.Select(c => c.Values<float>().ToArray())];
            double[] scale = [.. p[0].Select((gamma, c) => node.IsByShifts ? node.Multiplier(gamma, p[3][c]) : gamma / Math.Sqrt((double)p[3][c] + node.Epsilon))];
            double[] shift = [.. p[1].Select((beta, c) => beta - (p[2][c] * scale[c]))];
            _bound = [.. _bound.Select((e, i) => (e * Math.Abs(scale[Channel(i)])) + (8 * Unit * (Math.Abs(Real[i] * scale[Channel(i)]) + Math.Abs(p[1][Channel(i)]) + Math.Abs(p[2][Channel(i)] * scale[Channel(i)]))))];
            Real = [.. Real.Select((z, i) => (z * scale[Channel(i)]) + shift[Channel(i)])];
            for (int g = 0; g < _planes.Count; g++)
            {
                _planes[g] = (_planes[g].Sums, [.. _planes[g].Steps.Select((m, c) => m * scale[c])]);
            }

            _offsets = [.. _offsets.Select((b, c) => (b * scale[c]) + shift[c])];
            return this;
        }

        /// <summary>One number for all channels.</summary>
        public Line Then(double scale, double shift)
        {
            _bound = [.. _bound.Select((e, i) => (e * Math.Abs(scale)) + (8 * Unit * (Math.Abs(Real[i] * scale) + Math.Abs(shift))))];
            Real = [.. Real.Select(z => (z * scale) + shift)];
            for (int g = 0; g < _planes.Count; g++)
            {
                _planes[g] = (_planes[g].Sums, [.. _planes[g].Steps.Select(m => m * scale)]);
            }

            _offsets = [.. _offsets.Select(b => (b * scale) + shift)];
            return this;
        }

        /// <summary>The levels of evaluation in codes; null where the input is no single code.</summary>
        public float[]? Levels(Stairs stairs) => _planes.Count == 0 ? null : [.. Enumerable.Range(0, Real.Length).Select(i => Level(stairs, i))];

        private float Level(Stairs stairs, int i)
        {
            int c = Channel(i);
            if (_planes.Count == 1)
            {
                return stairs.LevelOf((float)_planes[0].Sums[i], _planes[0].Steps[c], _offsets[c], _clamp);
            }

            float y = 0;
            foreach ((double[] sums, double[] steps) in _planes)
            {
                y = MathF.FusedMultiplyAdd((float)sums[i], (float)steps[c], y);
            }

            return stairs.Level(Stairs.Clamp(y + (float)_offsets[c], _clamp));
        }

        private int Channel(int i) => i / inner % channels;
    }
}
