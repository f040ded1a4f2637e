using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What a float value of the fake-quantized graph is in the integer graph, before it is known who wants it.</summary>
internal abstract record LoweredValue
{
    /// <summary>real = s · (code − z).</summary>
    public sealed record Codes(ValueId Id, AffineQuantization Quantizer) : LoweredValue;

    /// <summary>real = m[c] · x + b[c], clamped, x being an accumulator or codes without their zero point.</summary>
    public sealed record Scaled(ValueId Id, double[] Multipliers, double[] Offsets, int Axis, Activation Clamp) : LoweredValue;

    /// <summary>real = Values[code − lowest code].</summary>
    public sealed record Table(Codes Source, float[] Values) : LoweredValue;

    /// <summary>real = left ± right, clamped.</summary>
    public sealed record Sum(Codes Left, Codes Right, int Sign, Activation Clamp) : LoweredValue;

    /// <summary>real = left · right, clamped.</summary>
    public sealed record Product(Codes Left, Codes Right, Activation Clamp) : LoweredValue;

    /// <summary>The mean of windows.</summary>
    public sealed record Mean(Codes Source, Node Pool) : LoweredValue;

    /// <summary>real = steps(max pools(start)), monotone in a channel; the pools may stand anywhere between the steps, behind rising ones only.</summary>
    public sealed record Curve(Scaled Start, ImmutableArray<CurveStep> Steps, ImmutableArray<MaxPool> Pools) : LoweredValue
    {
        /// <summary>Whether no channel falls.</summary>
        public bool IsIncreasing => System.Array.TrueForAll(Start.Multipliers, m => m >= 0) && Steps.All(s => s.IsIncreasing);

        /// <summary>The curve with another step behind it.</summary>
        public Curve Then(CurveStep step) => this with { Steps = Steps.Add(step) };
    }

    /// <summary>real = level of the code, which is its index; the levels are sums of scaled bits.</summary>
    public sealed record Indexed(Codes Index, StaircaseLevels Levels) : LoweredValue;

    /// <summary>real = Σ of the reals of several codes.</summary>
    public sealed record Planes(ImmutableArray<Codes> Parts) : LoweredValue;

    /// <summary>real = Σ m[g][c] · accumulator[g] + b[c], clamped.</summary>
    public sealed record Combined(ImmutableArray<ValueId> Ids, double[][] Multipliers, double[] Offsets, int Axis, Activation Clamp) : LoweredValue;

    /// <summary>Codes of different quantizers side by side.</summary>
    public sealed record Joined(ImmutableArray<Codes> Parts, int Axis) : LoweredValue;
}
