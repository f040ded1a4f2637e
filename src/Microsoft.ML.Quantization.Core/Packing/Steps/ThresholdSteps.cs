using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Floats to codes by comparison.</summary>
internal sealed class ThresholdFloatStep(BindContext context, int pixels, int channels, ThresholdData<float> thresholds, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
        => Kernels.ThresholdFloat(count, Channels, Values<float>(buffers, source, pixel, count), thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel, count));
}

/// <summary>Accumulators, or codes of 8 or 16 bits widened a few pixels at a time, to codes by comparison.</summary>
internal sealed class ThresholdIntegerStep(BindContext context, int pixels, int channels, ThresholdData<int> thresholds, ElementType element, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <summary>The most channels that one block of widened pixels can hold.</summary>
    public const int MostChannels = 4096;

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        if (element == ElementType.Int32)
        {
            Kernels.ThresholdInt32(count, Channels, Values<int>(buffers, source, pixel, count), thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel, count));
            return;
        }

        Span<int> block = stackalloc int[MostChannels];
        int most = MostChannels / Channels;
        for (int done = 0; done < count; done += most)
        {
            int taken = Math.Min(most, count - done);
            Span<int> wide = block[..(taken * Channels)];
            Widen(buffers, pixel + done, taken, wide);
            Kernels.ThresholdInt32(taken, Channels, wide, thresholds.Value, Codes(buffers, destination, thresholds.PlaneBits, pixel + done, taken));
        }
    }

    private void Widen(RunBuffers buffers, int pixel, int count, Span<int> wide)
    {
        switch (element)
        {
            case ElementType.Int16:
                CodeRuns.Widen(Values<short>(buffers, source, pixel, count), wide);
                break;
            case ElementType.Int8:
                Widen<sbyte>(Values<sbyte>(buffers, source, pixel, count), wide);
                break;
            default:
                Widen<byte>(Values<byte>(buffers, source, pixel, count), wide);
                break;
        }
    }

    private static void Widen<T>(ReadOnlySpan<T> values, Span<int> wide)
        where T : System.Numerics.INumberBase<T>
    {
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = int.CreateTruncating(values[i]);
        }
    }
}

/// <summary>Codes of 16 bits to planes by comparison, 32 channels at a time.</summary>
internal sealed class ThresholdWideStep : PixelStep
{
    private readonly int _source;
    private readonly JoinPlanes _planes;
    private readonly short[] _table;
    private readonly uint[] _always;
    private readonly int _words;

    public ThresholdWideStep(BindContext context, int pixels, int channels, JoinPlanes planes, int source)
        : base(context, pixels, channels)
    {
        (_planes, _source) = (planes, source);
        _words = PlaneLayout.Words(channels);
        _table = [.. planes.Table.Select(t => (short)Math.Clamp(t, short.MinValue, short.MaxValue))];
        _always = new uint[planes.Table.Length / PlaneLayout.WordBits];
        for (int i = 0; i < planes.Table.Length; i++)
        {
            _always[i / PlaneLayout.WordBits] |= planes.Table[i] > short.MaxValue ? 1u << (i % PlaneLayout.WordBits) : 0;
        }
    }

    /// <inheritdoc/>
    protected override unsafe void Run(RunBuffers buffers, int pixel, int count)
    {
        Span<uint> planes = Planes(buffers, _planes.Slot, _planes.Bits, pixel, count);
        short* rest = stackalloc short[PlaneLayout.WordBits];
        int whole = Channels / PlaneLayout.WordBits;
        fixed (short* codes = Values<short>(buffers, _source, pixel, count))
        fixed (uint* target = planes)
        fixed (short* table = _table)
        {
            for (int p = 0; p < count; p++)
            {
                short* from = codes + ((long)p * Channels);
                uint* to = target + ((long)p * _words * _planes.Bits);
                for (int word = 0; word < whole; word++)
                {
                    Write(from + (word * PlaneLayout.WordBits), table, word, to);
                }

                if (whole < _words)
                {
                    new ReadOnlySpan<short>(from + (whole * PlaneLayout.WordBits), Channels % PlaneLayout.WordBits).CopyTo(new Span<short>(rest, PlaneLayout.WordBits));
                    Write(rest, table, whole, to);
                }
            }
        }
    }

    private unsafe void Write(short* codes, short* table, int word, uint* target)
    {
        uint a = Reached(codes, table, 0, word);
        if (_planes.Bits == 1)
        {
            target[word] = a;
            return;
        }

        uint b = _planes.Count > 1 ? Reached(codes, table, 1, word) : 0;
        uint c = _planes.Count > 2 ? Reached(codes, table, 2, word) : 0;
        target[word] = a ^ b ^ c;
        target[_words + word] = (a & b) | (a & c) | (b & c);
    }

    /// <summary>(T &gt; x) differs from rising; thresholds above every code are apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe uint Reached(short* codes, short* table, int threshold, int word)
    {
        int at = (threshold * _words) + word;
        short* least = table + (at * PlaneLayout.WordBits);
        int half = Vector256<short>.Count;
        uint above = Vector512.IsHardwareAccelerated
            ? (uint)Vector512.GreaterThan(Vector512.Load(least), Vector512.Load(codes)).ExtractMostSignificantBits()
            : Vector256.GreaterThan(Vector256.Load(least), Vector256.Load(codes)).ExtractMostSignificantBits()
                | (Vector256.GreaterThan(Vector256.Load(least + half), Vector256.Load(codes + half)).ExtractMostSignificantBits() << half);
        return (above | _always[at]) ^ _planes.Rising[word];
    }
}
