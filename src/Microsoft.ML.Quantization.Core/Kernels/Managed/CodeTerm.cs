using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>One operand of a residual add: fl(float(code − ZeroPoint) · Multiplier).</summary>
internal readonly ref struct CodeTerm(ReadOnlySpan<byte> codes, int zeroPoint, float multiplier)
{
    public ReadOnlySpan<byte> Codes { get; } = codes;

    public int ZeroPoint { get; } = zeroPoint;

    public float Multiplier { get; } = multiplier;
}
