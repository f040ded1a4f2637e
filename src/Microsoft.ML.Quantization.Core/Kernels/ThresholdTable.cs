using System;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// A staircase of each channel: code = #{ i : x ≥ T[i][c] } where the channel's direction is +1, #{ i : x ≤ T[i][c] } where it is −1. A comparison with NaN is false.
/// Thresholds may stand in any order. Where no sum reaches them, <see cref="int.MinValue"/> and <see cref="int.MaxValue"/> make a channel constant.
/// </summary>
/// <typeparam name="T">int for accumulators, float for values.</typeparam>
public readonly ref struct ThresholdTable<T>
    where T : unmanaged
{
    /// <summary>Most thresholds of a channel.</summary>
    public const int MostThresholds = 15;

    /// <summary>Thresholds of a channel, 1 to 15; 0 is no table at all.</summary>
    public int Count { get; init; }

    /// <summary>T, [Count][channels].</summary>
    public ReadOnlySpan<T> Values { get; init; }

    /// <summary>+1 or −1 for each channel; empty where all are +1.</summary>
    public ReadOnlySpan<int> Directions { get; init; }

    /// <summary>0: codes are written one a byte. 1 or 2: as planes of that many bits, for at most 1 or 3 thresholds.</summary>
    public int PlaneBits { get; init; }

    /// <summary>Bytes of the codes of some pixels.</summary>
    public long DestinationBytes(long pixels, int channels)
        => PlaneBits == 0 ? pixels * channels : PlaneLayout.Length(pixels, channels, PlaneBits) * sizeof(uint);
}
