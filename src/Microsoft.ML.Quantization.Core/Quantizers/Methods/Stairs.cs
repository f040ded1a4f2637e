using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Thresholds and levels of any spacing, as methods use them in training.</summary>
internal static class Stairs
{
    /// <summary>y = levels[#{i : x ≥ thresholds[i]}]; NaN stays NaN.</summary>
    public static void Apply(ReadOnlySpan<float> x, float[] thresholds, float[] levels, Span<float> y) => LaneMap.Map(new Climb(thresholds, levels), x, y);

    /// <summary>How many values are at or above t, and their sum.</summary>
    public static (double Count, double Sum) Above(ReadOnlySpan<float> x, float t) => (LaneMap.Sum(new Counted(t), x), LaneMap.Sum(new Summed(t), x));

    /// <summary>levels[#{i : x ≥ thresholds[i]}], lane by lane.</summary>
    internal readonly struct Climb(float[] thresholds, float[] levels) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T y = T.Create(levels[0]);
            for (int i = 0; i < thresholds.Length; i++)
            {
                y = T.Select(T.Less(x, T.Create(thresholds[i])), y, T.Create(levels[i + 1]));
            }

            return T.Select(T.Same(x, x), y, x);
        }
    }

    private readonly struct Counted(float t) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(t)), T.Create(0), T.Create(1));
    }

    private readonly struct Summed(float t) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(t)), T.Create(0), x);
    }
}

/// <summary>Thresholds, ascending, and one more levels.</summary>
internal sealed record StairTable(float[] Thresholds, float[] Levels);
