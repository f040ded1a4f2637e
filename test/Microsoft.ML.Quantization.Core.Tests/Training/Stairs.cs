using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>A hard quantizer of activations: the level of a float, and of an accumulator as law 5 has it.</summary>
internal sealed class Stairs
{
    private readonly AffineQuantization? _quantizer;
    private readonly float[] _thresholds = [];
    private readonly float[] _levels = [];

    private Stairs(AffineQuantization quantizer) => _quantizer = quantizer;

    private Stairs(float[] thresholds, float[] levels) => (_thresholds, _levels) = (thresholds, levels);

    /// <summary>The distance of two levels; the smallest one of a staircase.</summary>
    public float Step => _quantizer is null ? _levels.Zip(_levels.Skip(1)).Min(p => p.Second - p.First) : _quantizer.Single.Scale * (_quantizer.IsMidRise ? 2 : 1);

    /// <summary>The quantizer of a node.</summary>
    public static Stairs Of(Graph graph, Node node)
    {
        if (node is FakeQuantize fake)
        {
            return new Stairs(fake.Quantizer(graph));
        }

        float[] thresholds = graph.ConstantOf(node.Inputs[1]).Values<float>().ToArray();
        float[] levels = graph.ConstantOf(node.Inputs[2]).Values<float>().ToArray();
        if (!new StaircaseLevels(levels).HasCodes)
        {
            (thresholds, levels) = StaircaseLevels.Merge(thresholds, levels);
        }

        return new Stairs(thresholds, levels);
    }

    public static float Clamp(float y, Activation clamp) => y < clamp.Low ? clamp.Low : y > clamp.High ? clamp.High : y;

    /// <summary>The level of a float.</summary>
    public float Level(float x) => _quantizer is { } q ? q.Single.Dequantize(q.Single.Quantize(x, q.Range)) : _levels[_thresholds.Count(t => x >= t)];

    /// <summary>The level of an index.</summary>
    public float Indexed(int index) => _levels[index];

    /// <summary>The level that a decoded code stands for: multiples of a step lie next to the levels of a staircase.</summary>
    public float Snap(float decoded) => _quantizer is null ? _levels.MinBy(l => Math.Abs(l - decoded)) : decoded;

    /// <summary>The level of sum · step + offset, rounded and clamped as evaluation in codes rounds and clamps it.</summary>
    public float LevelOf(float sum, double step, double offset, Activation clamp)
    {
        if (_quantizer is not { } q || (q.IsMidRise && q.Code.Bits.Bits <= 2))
        {
            float product = sum * (float)step;
            return Level(Clamp(product + (float)offset, clamp));
        }

        double unit = q.IsMidRise ? 2.0 * q.Single.Scale : q.Single.Scale;
        float scaled = sum * (float)(step / unit);
        float u = scaled + (float)((offset / unit) + (q.IsMidRise ? q.Code.MidRiseTop / 2.0 : 0));
        float rounded = MathF.Round(Math.Clamp(u, q.Range.Min - q.Single.ZeroPoint, q.Range.Max - q.Single.ZeroPoint));
        return q.Single.Dequantize(Math.Clamp((int)rounded + q.Single.ZeroPoint, q.Single.Quantize(clamp.Low, q.Range), q.Single.Quantize(clamp.High, q.Range)));
    }
}
