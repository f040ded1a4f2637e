using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>What the quantizer of the weights of one layer does to their geometry.</summary>
internal sealed class LevelGeometry
{
    private const int MostChanges = 1 << 20;

    private readonly Graph _graph;
    private readonly LearnedQuantize _node;
    private readonly MethodContext _end;
    private readonly Tensor[] _inputs;
    private readonly float[] _weights;
    private readonly float[] _levels;

    /// <summary>Hardens the weights.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="node">The quantizer of weights.</param>
    /// <param name="end">The last step of training.</param>
    public LevelGeometry(Graph graph, LearnedQuantize node, MethodContext end)
    {
        (_graph, _node, _end) = (graph, node, end);
        _inputs = Inputs(graph, node);
        Tensor y = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        node.Evaluate(_inputs, y, WorkerPool.Single);
        (_weights, _levels) = (_inputs[0].Values<float>().ToArray(), y.Values<float>().ToArray());
    }

    /// <inheritdoc cref="LevelReport.CosineOf"/>
    public static double CosineOf(ReadOnlySpan<float> v, ReadOnlySpan<float> b)
    {
        (double product, double left, double right) = (0, 0, 0);
        for (int i = 0; i < v.Length; i++)
        {
            (product, left, right) = (product + ((double)v[i] * b[i]), left + ((double)v[i] * v[i]), right + ((double)b[i] * b[i]));
        }

        return left > 0 && right > 0 ? product / Math.Sqrt(left * right) : 0;
    }

    /// <summary>Everything that can be told without rows.</summary>
    /// <param name="earlier">The quantizer at an earlier moment, or null.</param>
    /// <param name="input">What the layer's inputs become.</param>
    public LevelReport.Row Describe((Graph Graph, LearnedQuantize Node)? earlier, InputLevels input)
    {
        Shape shape = _inputs[0].Shape;
        int length = _weights.Length / shape[0];
        (float[] W, float[] Y)[] channels = [.. Enumerable.Range(0, shape[0]).Select(c => (_weights.AsSpan(c * length, length).ToArray(), _levels.AsSpan(c * length, length).ToArray()))];
        double[] cosines = [.. channels.Select(c => CosineOf(c.W, c.Y))];
        (float[] W, float[] Y)[] alive = [.. channels.Where(c => !IsDead(c.Y))];
        var row = new LevelReport.Row(
            _graph[QuantizedWeights.Latent(_graph, _node)].Name,
            string.Create(CultureInfo.InvariantCulture, $"{_node.Method.Name} {_node.Method.Bits}"),
            length,
            shape[0],
            cosines.Average(),
            cosines.Min(),
            _levels.Count(v => v > 0) / (double)_levels.Length,
            _levels.Count(v => v == 0) / (double)_levels.Length,
            channels.Length - alive.Length,
            _weights.Average(v => Math.Abs((double)v)),
            earlier is { } old ? LevelCodes.Changed(Codes(old.Node, Inputs(old.Graph, old.Node)), Codes(_node, _inputs)) : double.NaN,
            Proportion(alive, length, input))
        {
            Groups = _node.Method.GroupsOf(shape),
            SoftGap = SoftGap(),
        };
        return _node.Method is FewLevelMethod method && method.BoundOf(shape) is var bound && !float.IsPositiveInfinity(bound)
            ? row with { Bound = bound, AtBound = method.AtBound(_inputs[0]) }
            : row;
    }

    /// <summary>What rows tell beside it.</summary>
    public LevelReport.Row WithInputs(LevelReport.Row row, Node layer, LayerSample sample)
    {
        var pairs = new List<(double X, double Y)>();
        foreach ((float[] reals, float[] levels) in sample.Patches(layer, row.Inputs))
        {
            pairs.AddRange(Enumerable.Range(0, row.Outputs).Select(c => (Dot(_weights.AsSpan(c * row.Inputs, row.Inputs), reals), Dot(_levels.AsSpan(c * row.Inputs, row.Inputs), levels))));
        }

        return row with { Window = sample.Window(), Entropy = sample.Entropy(), RowProportion = pairs.Count > 0 ? Correlation(pairs) : double.NaN };
    }

    private static Tensor[] Inputs(Graph graph, LearnedQuantize node) => [QuantizedWeights.Values(graph, node)!, .. node.Inputs.Skip(1).Select(graph.ConstantOf)];

    private static long[] Codes(LearnedQuantize node, Tensor[] inputs) => LevelCodes.Of(node.Method, node.Call(inputs, MethodContext.Evaluation, WorkerPool.Single));

    /// <summary>All of one level, or as good as zero.</summary>
    private static bool IsDead(float[] levels) => (levels.Length > 1 && !levels.AsSpan().ContainsAnyExcept(levels[0])) || levels.All(v => Math.Abs(v) < 1e-9f);

    private double SoftGap()
    {
        if (!_node.Method.TrainsWithNoise)
        {
            return double.NaN;
        }

        MethodCall call = _node.Call(_inputs, _end, WorkerPool.Single);
        Tensor soft = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        MethodShares.Forward(_node.Method, call, _node.Method.Prepare(call), soft, training: true);
        double gap = soft.Values<float>().ToArray().Zip(_levels, (s, h) => ((double)s - h) * ((double)s - h)).Sum();
        double size = _levels.Sum(h => (double)h * h);
        return size > 0 ? Math.Sqrt(gap / size) : double.NaN;
    }

    /// <summary>Pearson's correlation over samples and channels.</summary>
    private static double Proportion((float[] W, float[] Y)[] channels, int length, InputLevels input)
    {
        if (channels.Length == 0)
        {
            return double.NaN;
        }

        int samples = Math.Clamp(MostChanges / Math.Max(1, channels.Length * length), 8, 256);
        var random = new CounterRandom(1);
        var pairs = new List<(double X, double Y)>();
        for (int sample = 0; sample < samples; sample++)
        {
            float[] a = [.. Enumerable.Range(0, length).Select(i => (float)random.Normal(((long)sample * length) + i))];
            float[] levels = input == InputLevels.Real ? a : [.. a.Select(v => v >= 0 ? 1f : input == InputLevels.Sign ? -1 : 0)];
            pairs.AddRange(channels.Select(c => (Dot(c.W, a), Dot(c.Y, levels))));
        }

        return Correlation(pairs);
    }

    private static double Correlation(List<(double X, double Y)> pairs)
    {
        (double mx, double my) = (pairs.Average(p => p.X), pairs.Average(p => p.Y));
        double product = pairs.Sum(p => (p.X - mx) * (p.Y - my));
        double sizes = Math.Sqrt(pairs.Sum(p => (p.X - mx) * (p.X - mx)) * pairs.Sum(p => (p.Y - my) * (p.Y - my)));
        return sizes > 0 ? product / sizes : double.NaN;
    }

    private static double Dot(ReadOnlySpan<float> w, ReadOnlySpan<float> a)
    {
        double sum = 0;
        for (int i = 0; i < w.Length; i++)
        {
            sum += (double)w[i] * a[i];
        }

        return sum;
    }
}
