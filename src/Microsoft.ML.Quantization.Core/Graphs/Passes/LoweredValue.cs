using System.Collections.Immutable;
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

    /// <summary>Codes of different quantizers side by side.</summary>
    public sealed record Joined(ImmutableArray<Codes> Parts, int Axis) : LoweredValue;
}
