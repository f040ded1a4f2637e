using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>One measured network.</summary>
/// <param name="X">What grows.</param>
/// <param name="Milliseconds">Least time of a run.</param>
/// <param name="ArenaBytes">Memory of the values of a run.</param>
/// <param name="WeightBytes">Packed weights.</param>
/// <param name="StepBytes">What the largest step reads and writes, its weights included.</param>
/// <param name="FewestPixels">Output pixels of the smallest convolution.</param>
internal sealed record ScalingPoint(double X, double Milliseconds, long ArenaBytes, long WeightBytes, long StepBytes, int FewestPixels);

/// <summary>Points and the line that fits them best in relative error: time = start + slope · x with the least Σ ((fit − time) / time)².</summary>
internal sealed class ScalingLine
{
    /// <summary>Fits a line.</summary>
    public ScalingLine(string name, IReadOnlyList<ScalingPoint> points)
    {
        (Name, Points) = (name, points);
        double[] w = [.. points.Select(p => 1 / (p.Milliseconds * p.Milliseconds))];
        double all = w.Sum(), x = Weighted(w, p => p.X) / all, y = Weighted(w, p => p.Milliseconds) / all;
        Slope = Weighted(w, p => (p.X - x) * (p.Milliseconds - y)) / Weighted(w, p => (p.X - x) * (p.X - x));
        Start = y - (Slope * x);
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>What was measured.</summary>
    public IReadOnlyList<ScalingPoint> Points { get; }

    /// <summary>Milliseconds at 0.</summary>
    public double Start { get; }

    /// <summary>Milliseconds a unit.</summary>
    public double Slope { get; }

    /// <summary>How far a point lies above the line, as a share of the line.</summary>
    public double Above(int index) => (Points[index].Milliseconds / (Start + (Slope * Points[index].X))) - 1;

    private double Weighted(double[] weights, Func<ScalingPoint, double> value) => Points.Select((p, i) => weights[i] * value(p)).Sum();
}
