using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>A monotone function of one float, one a channel, evaluated by the same float operations wherever thresholds are searched.</summary>
internal abstract record CurveStep
{
    /// <summary>Channels told apart, or 1.</summary>
    public abstract int Channels { get; }

    /// <summary>Whether no channel falls.</summary>
    public abstract bool IsIncreasing { get; }

    /// <summary>The function's value in a channel.</summary>
    public abstract float Apply(float x, int channel);

    /// <summary>fl(fl(x · m) + b).</summary>
    public sealed record Line(float[] Scales, float[] Shifts) : CurveStep
    {
        public override int Channels => System.Math.Max(Scales.Length, Shifts.Length);

        public override bool IsIncreasing => System.Array.TrueForAll(Scales, s => s >= 0);

        public override float Apply(float x, int channel)
        {
            float product = x * Scales[Scales.Length == 1 ? 0 : channel];
            return product + Shifts[Shifts.Length == 1 ? 0 : channel];
        }
    }

    /// <summary>x &lt; 0 ? fl(slope · x) : x, slopes from 0.</summary>
    public sealed record Bend(float[] Slopes) : CurveStep
    {
        public override int Channels => Slopes.Length;

        public override bool IsIncreasing => true;

        public override float Apply(float x, int channel) => x < 0 ? Slopes[Slopes.Length == 1 ? 0 : channel] * x : x;
    }

    /// <summary>A clamp.</summary>
    public sealed record Limit(Activation Clamp) : CurveStep
    {
        public override int Channels => 1;

        public override bool IsIncreasing => true;

        public override float Apply(float x, int channel) => x < Clamp.Low ? Clamp.Low : x > Clamp.High ? Clamp.High : x;
    }
}
