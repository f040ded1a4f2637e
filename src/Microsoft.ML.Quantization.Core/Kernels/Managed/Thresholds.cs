using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Values to codes by thresholds, 32 channels of a pixel at once; a falling channel compares with the operands exchanged.</summary>
internal static unsafe class Thresholds
{
    private const int Word = PlaneLayout.WordBits;

    public static void Float<TLanes>(int pixels, int channels, ReadOnlySpan<float> source, in ThresholdTable<float> thresholds, Span<byte> destination)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        Check(pixels, channels, source.Length, thresholds, destination.Length);
        fixed (float* x = source, t = thresholds.Values)
        fixed (int* directions = thresholds.Directions)
        fixed (byte* y = destination)
        {
            Table table = new(t, directions, thresholds.Count, channels, channels);
            Run<TLanes, FloatComparison>(pixels, x, table, thresholds.PlaneBits, y);
        }
    }

    public static void Int32<TLanes>(int pixels, int channels, ReadOnlySpan<int> source, in ThresholdTable<int> thresholds, Span<byte> destination)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        Check(pixels, channels, source.Length, thresholds, destination.Length);
        fixed (int* x = source, t = thresholds.Values, directions = thresholds.Directions)
        fixed (byte* y = destination)
        {
            Table table = new((float*)t, directions, thresholds.Count, channels, channels);
            Run<TLanes, IntComparison>(pixels, (float*)x, table, thresholds.PlaneBits, y);
        }
    }

    private static void Check<T>(int pixels, int channels, int source, in ThresholdTable<T> thresholds, int destination)
        where T : unmanaged
    {
        PlaneCheck.Thresholds(thresholds, channels);
        KernelCheck.AtLeast(source, (long)pixels * channels, nameof(source));
        KernelCheck.AtLeast(destination, thresholds.DestinationBytes(pixels, channels), nameof(destination));
    }

    private static void Run<TLanes, TComparison>(int pixels, float* source, in Table table, int bits, byte* destination)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        int channels = table.Channels;
        int whole = channels / Word * Word;
        float* rest = stackalloc float[Word];
        float* padded = stackalloc float[(table.Count + 1) * Word];
        Table tail = whole < channels ? table.Tail(whole, padded) : table;
        long step = bits == 0 ? channels : (long)bits * PlaneLayout.Words(channels) * sizeof(uint);
        for (int pixel = 0; pixel < pixels; pixel++, source += channels, destination += step)
        {
            for (int first = 0; first < whole; first += Word)
            {
                Write<TLanes, TComparison>(source + first, table.From(first), bits, channels, Word, destination + (bits == 0 ? first : first / 8));
            }

            if (whole < channels)
            {
                Unsafe.CopyBlockUnaligned(rest, source + whole, (uint)((channels - whole) * sizeof(float)));
                Write<TLanes, TComparison>(rest, tail, bits, channels, channels - whole, destination + (bits == 0 ? whole : whole / 8));
            }
        }
    }

    /// <summary>The codes of one word's channels, of which <paramref name="valid"/> are there.</summary>
    private static void Write<TLanes, TComparison>(float* source, in Table table, int bits, int channels, int valid, byte* destination)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        if (bits == 0)
        {
            WriteBytes<TLanes, TComparison>(source, table, valid, destination);
            return;
        }

        uint mask = valid == Word ? uint.MaxValue : (1u << valid) - 1;
        uint a = Reached<TLanes, TComparison>(source, table, 0) & mask;
        if (bits == 1)
        {
            Unsafe.WriteUnaligned(destination, a);
            return;
        }

        // The sum of three bits, as a full adder has it.
        uint b = table.Count > 1 ? Reached<TLanes, TComparison>(source, table, 1) & mask : 0;
        uint c = table.Count > 2 ? Reached<TLanes, TComparison>(source, table, 2) & mask : 0;
        Unsafe.WriteUnaligned(destination, a ^ b ^ c);
        Unsafe.WriteUnaligned(destination + (PlaneLayout.Words(channels) * sizeof(uint)), (a & b) | (a & c) | (b & c));
    }

    private static uint Reached<TLanes, TComparison>(float* source, in Table table, int threshold)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        uint word = 0;
        for (int i = 0; i < Word; i += TLanes.Count)
        {
            word |= TLanes.SignBits(Compare<TLanes, TComparison>(TLanes.Load(source + i), table, threshold, i)) << i;
        }

        return word;
    }

    private static void WriteBytes<TLanes, TComparison>(float* source, in Table table, int valid, byte* destination)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        byte* rest = stackalloc byte[Word];
        byte* to = valid == Word ? destination : rest;
        for (int i = 0; i < Word; i += TLanes.Count)
        {
            TLanes x = TLanes.Load(source + i);
            TLanes code = TLanes.CreateInt(0);
            for (int t = 0; t < table.Count; t++)
            {
                code = TLanes.SubtractInt(code, Compare<TLanes, TComparison>(x, table, t, i));
            }

            TLanes.StoreBytes(to + i, code);
        }

        if (valid < Word)
        {
            Unsafe.CopyBlockUnaligned(destination, rest, (uint)valid);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Compare<TLanes, TComparison>(TLanes x, in Table table, int threshold, int lane)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        TLanes t = TLanes.Load(table.Values + ((long)threshold * table.Stride) + lane);
        if (table.Directions == null)
        {
            return TComparison.AtLeast(x, t);
        }

        TLanes falls = TLanes.ShiftRight(TLanes.Load((float*)table.Directions + lane), 31);
        return TLanes.Select(falls, TComparison.AtLeast(t, x), TComparison.AtLeast(x, t));
    }

    /// <summary>Thresholds [Count][Stride] and directions of some channels.</summary>
    private readonly struct Table(float* values, int* directions, int count, int stride, int channels)
    {
        public float* Values { get; } = values;

        public int* Directions { get; } = directions;

        public int Count { get; } = count;

        public int Stride { get; } = stride;

        public int Channels { get; } = channels;

        /// <summary>The channels from one on.</summary>
        public Table From(int channel) => new(Values + channel, Directions == null ? null : Directions + channel, Count, Stride, Channels);

        /// <summary>The channels from one on, filled up to a whole word in a buffer of (Count + 1) words of channels.</summary>
        public Table Tail(int channel, float* buffer)
        {
            uint bytes = (uint)((Channels - channel) * sizeof(float));
            new Span<float>(buffer, (Count + 1) * Word).Clear();
            for (int t = 0; t < Count; t++)
            {
                Unsafe.CopyBlockUnaligned(buffer + (t * Word), Values + ((long)t * Stride) + channel, bytes);
            }

            int* directions = Directions == null ? null : (int*)(buffer + (Count * Word));
            if (directions != null)
            {
                Unsafe.CopyBlockUnaligned(directions, Directions + channel, bytes);
            }

            return new Table(buffer, directions, Count, Word, Channels);
        }
    }

    private readonly struct FloatComparison : IThresholdComparison
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes AtLeast<TLanes>(TLanes left, TLanes right)
            where TLanes : unmanaged, ILanes<TLanes>
            => TLanes.Less(right, left) | TLanes.Same(left, right);
    }

    private readonly struct IntComparison : IThresholdComparison
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes AtLeast<TLanes>(TLanes left, TLanes right)
            where TLanes : unmanaged, ILanes<TLanes>
            => TLanes.GreaterInt(right, left) ^ TLanes.CreateInt(-1);
    }
}
