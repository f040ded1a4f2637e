using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>The residual addition of a <see cref="JoinData"/>.</summary>
/// <param name="Slot">The other codes.</param>
/// <param name="OwnMultiplier">Multiplier of the layer's codes.</param>
/// <param name="OtherMultiplier">Multiplier of the other codes.</param>
/// <param name="OtherZeroPoint">Zero point of the other codes.</param>
internal sealed record JoinAddition(int Slot, float OwnMultiplier, float OtherMultiplier, int OtherZeroPoint);

/// <summary>The requantizer of a <see cref="JoinData"/>.</summary>
internal sealed record JoinBytes(int Slot, float Multiplier, float Offset, int ZeroPoint, int Minimum, int Maximum);

/// <summary>The thresholds of a <see cref="JoinData"/>.</summary>
internal sealed record JoinPlanes(int Slot, int Bits, int Count, int[] Table, uint[] Rising)
{
    // Beyond the codes of 16 bits and their neighbours: always and never.
    private const int Limit = 70000;

    /// <summary>From thresholds in codes, [count][channels]; x ≤ T is T + 1 &gt; x.</summary>
    public static JoinPlanes Of(ThresholdData<int> data, int channels, int bits, int slot)
    {
        int words = PlaneLayout.Words(channels);
        int stride = words * PlaneLayout.WordBits;
        int[] table = [.. Enumerable.Repeat(int.MaxValue, data.Count * stride)];
        uint[] rising = [.. Enumerable.Repeat(uint.MaxValue, words)];
        for (int c = 0; c < channels; c++)
        {
            bool falls = data.Directions.Length > 0 && data.Directions[c] < 0;
            if (falls)
            {
                rising[c / PlaneLayout.WordBits] &= ~(1u << (c % PlaneLayout.WordBits));
            }

            for (int n = 0; n < data.Count; n++)
            {
                table[(n * stride) + c] = Math.Clamp(data.Values[(n * channels) + c], -Limit, Limit) + (falls ? 1 : 0);
            }
        }

        return new JoinPlanes(slot, bits, data.Count, table, rising);
    }
}

/// <summary>A <see cref="JoinEpilogue"/> at rest, with the slots that it reads and writes beside the layer's own.</summary>
internal sealed record JoinData
{
    /// <summary>What is added, or null.</summary>
    public JoinAddition? Addition { get; init; }

    /// <summary>Bytes that are made of the sum, or null.</summary>
    public JoinBytes? Bytes { get; init; }

    /// <summary>Planes that are made of the sum, or null.</summary>
    public JoinPlanes? Planes { get; init; }

    /// <summary>Zero point of the sum.</summary>
    public int ZeroPoint { get; init; }

    /// <summary>Lowest sum.</summary>
    public int Minimum { get; init; }

    /// <summary>Highest sum.</summary>
    public int Maximum { get; init; }

    /// <summary>What this costs for so many codes, as if each part were a step of its own.</summary>
    public ImmutableArray<KernelWork> Works(long codes)
        => [.. new[] { (Addition is not null, KernelOperation.AddByte), (Bytes is not null, KernelOperation.TranslateByte) }.Where(p => p.Item1).Select(p => KernelWork.Flat(p.Item2, 8, codes))];

    /// <summary>The kernels' form over the buffers of a run; <paramref name="size"/> is that of a code.</summary>
    public JoinEpilogue Bind(RunBuffers buffers, int size)
    {
        var join = new JoinEpilogue { IsUsed = true, ZeroPoint = ZeroPoint, Minimum = Minimum, Maximum = Maximum };
        if (Addition is { } other)
        {
            join = join with
            {
                Other = buffers.Bytes(other.Slot, size),
                OwnMultiplier = other.OwnMultiplier,
                OtherMultiplier = other.OtherMultiplier,
                OtherZeroPoint = other.OtherZeroPoint,
            };
        }

        if (Bytes is { } bytes)
        {
            join = join with
            {
                Bytes = buffers.Span<byte>(bytes.Slot),
                ByteMultiplier = bytes.Multiplier,
                ByteOffset = bytes.Offset,
                ByteZeroPoint = bytes.ZeroPoint,
                ByteMinimum = bytes.Minimum,
                ByteMaximum = bytes.Maximum,
            };
        }

        return Planes is { } planes
            ? join with { Planes = buffers.Span<uint>(planes.Slot), PlaneBits = planes.Bits, ThresholdCount = planes.Count, Table = planes.Table, Rising = planes.Rising }
            : join;
    }
}
