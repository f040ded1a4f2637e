using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// What follows the codes of an <see cref="IntegerEpilogue"/> in the same pass, while they are in registers; its output is <see cref="AccumulatorOutput.UInt8"/> or
/// <see cref="AccumulatorOutput.Int16"/>. With q the code that the epilogue alone would have written, and tail(·) that of <see cref="Numerics.Requantization.Finish"/>:
/// <code>
/// sum     = tail(fl(fl(float(q − its zero point) · OwnMultiplier) + fl(float(other − OtherZeroPoint) · OtherMultiplier)))    q, where there is no other
/// byte    = tail(fl(fl(float(sum − ZeroPoint) · ByteMultiplier) + ByteOffset))
/// planes of #{ n : (Table[n][c] &gt; sum) differs from the bit of c in Rising }
/// </code>
/// The sum stands where q would have stood, in the same type.
/// </summary>
public readonly ref struct JoinEpilogue
{
    /// <summary>Whether anything follows.</summary>
    public bool IsUsed { get; init; }

    /// <summary>Codes of the epilogue's output type that are added, [pixels][channels]; empty for none.</summary>
    public ReadOnlySpan<byte> Other { get; init; }

    /// <summary>Multiplier of the layer's codes.</summary>
    public float OwnMultiplier { get; init; }

    /// <summary>Multiplier of the other codes.</summary>
    public float OtherMultiplier { get; init; }

    /// <summary>Zero point of the other codes.</summary>
    public int OtherZeroPoint { get; init; }

    /// <summary>Zero point of the sum; that of the epilogue where nothing is added.</summary>
    public int ZeroPoint { get; init; }

    /// <summary>Lowest sum.</summary>
    public int Minimum { get; init; }

    /// <summary>Highest sum.</summary>
    public int Maximum { get; init; }

    /// <summary>Where bytes are written, [pixels][channels]; empty for nowhere.</summary>
    public Span<byte> Bytes { get; init; }

    /// <summary>m of the bytes.</summary>
    public float ByteMultiplier { get; init; }

    /// <summary>b of the bytes.</summary>
    public float ByteOffset { get; init; }

    /// <summary>Zero point of the bytes.</summary>
    public int ByteZeroPoint { get; init; }

    /// <summary>Lowest byte.</summary>
    public int ByteMinimum { get; init; }

    /// <summary>Highest byte.</summary>
    public int ByteMaximum { get; init; }

    /// <summary>Where planes are written; empty for nowhere.</summary>
    public Span<uint> Planes { get; init; }

    /// <summary>Bits of the planes, 1 or 2.</summary>
    public int PlaneBits { get; init; }

    /// <summary>Thresholds a channel: 1 for one bit, 1 to 3 for two.</summary>
    public int ThresholdCount { get; init; }

    /// <summary>[ThresholdCount][words · 32]; <see cref="int.MaxValue"/> behind the last channel.</summary>
    public ReadOnlySpan<int> Table { get; init; }

    /// <summary>[words]: a bit for each channel, set behind the last.</summary>
    public ReadOnlySpan<uint> Rising { get; init; }
}
