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
            Table table = new(t, directions, thresholds.Count, channels);
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
            Table table = new((float*)t, directions, thresholds.Count, channels);
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
        int* codes = stackalloc int[Word];
        int channels = table.Channels;
        int words = PlaneLayout.Words(channels);
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            float* x = source + ((long)pixel * channels);
            for (int first = 0; first < channels; first += Word)
            {
                int width = Math.Min(Word, channels - first);
                int done = width - (width % TLanes.Count);
                Codes<TLanes, TComparison>(x + first, table, first, 0, done, codes);
                Codes<Lanes1, TComparison>(x + first, table, first, done, width, codes);
                if (bits == 0)
                {
                    WriteBytes(codes, width, destination + ((long)pixel * channels) + first);
                }
                else
                {
                    WritePlanes<TLanes>(codes, width, bits, words, destination + (((((long)pixel * bits) * words) + (first / Word)) * sizeof(uint)));
                }
            }
        }
    }

    private static void Codes<TLanes, TComparison>(float* source, in Table table, int first, int begin, int end, int* codes)
        where TLanes : unmanaged, ILanes<TLanes>
        where TComparison : struct, IThresholdComparison
    {
        for (int i = begin; i < end; i += TLanes.Count)
        {
            TLanes x = TLanes.Load(source + i);
            TLanes falls = table.Directions == null ? TLanes.CreateInt(0) : TLanes.ShiftRight(TLanes.Load((float*)table.Directions + first + i), 31);
            TLanes code = TLanes.CreateInt(0);
            for (int t = 0; t < table.Count; t++)
            {
                TLanes threshold = TLanes.Load(table.Values + ((long)t * table.Channels) + first + i);
                TLanes reached = TLanes.Select(falls, TComparison.AtLeast(threshold, x), TComparison.AtLeast(x, threshold));
                code = TLanes.SubtractInt(code, reached);
            }

            TLanes.Store((float*)codes + i, code);
        }
    }

    private static void WriteBytes(int* codes, int width, byte* destination)
    {
        for (int i = 0; i < width; i++)
        {
            destination[i] = (byte)codes[i];
        }
    }

    // Codes behind the width are those of other channels.
    private static void WritePlanes<TLanes>(int* codes, int width, int bits, int words, byte* destination)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        uint valid = width == Word ? uint.MaxValue : (1u << width) - 1;
        for (int plane = 0; plane < bits; plane++, destination += words * sizeof(uint))
        {
            uint word = 0;
            for (int i = 0; i < Word; i += TLanes.Count)
            {
                word |= TLanes.SignBits(TLanes.ShiftLeft(TLanes.Load((float*)codes + i), 31 - plane)) << i;
            }

            Unsafe.WriteUnaligned(destination, word & valid);
        }
    }

    private readonly struct Table(float* values, int* directions, int count, int channels)
    {
        public float* Values { get; } = values;

        public int* Directions { get; } = directions;

        public int Count { get; } = count;

        public int Channels { get; } = channels;
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
