using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// The largest values of windows that lie side by side, channels-last, and the way back to the first of them. A vector may reach past a pixel's last channel
/// into what is written afterwards; the last window of a row goes channel by channel.
/// </summary>
internal static unsafe class SideBySide
{
    private const int StackTaps = 64;

    /// <summary>The output rows [begin, end), counted over batch and depth.</summary>
    public static void Forward(in ConvolutionGeometry g, ReadOnlySpan<float> source, Span<float> destination, int begin, int end)
    {
        Span<int> taps = g.Taps <= StackTaps ? stackalloc int[g.Taps] : new int[g.Taps];
        Offsets(g, taps);
        fixed (float* x = source, y = destination)
        fixed (int* t = taps)
        {
            for (int row = begin; row < end; row++)
            {
                var place = new Place(g, x + Origin(g, row), null, y + ((long)row * g.OutWidth * g.OutChannels), t);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    int wide = Wide(g, column);
                    Forward<Lanes256>(place, 0, wide);
                    Forward<Lanes1>(place, wide, g.OutChannels);
                    place.Next();
                }
            }
        }
    }

    /// <summary>The gradient under the windows of the output rows [begin, end).</summary>
    public static void Backward(in ConvolutionGeometry g, ReadOnlySpan<float> source, ReadOnlySpan<float> gradient, Span<float> result, int begin, int end)
    {
        Span<int> taps = g.Taps <= StackTaps ? stackalloc int[g.Taps] : new int[g.Taps];
        Offsets(g, taps);
        fixed (float* x = source, dy = gradient, dx = result)
        fixed (int* t = taps)
        {
            for (int row = begin; row < end; row++)
            {
                var place = new Place(g, x + Origin(g, row), dx + Origin(g, row), dy + ((long)row * g.OutWidth * g.OutChannels), t);
                for (int column = 0; column < g.OutWidth; column++)
                {
                    // What reaches over goes first: it spoils the first channels of the window's own next pixel, which the whole vectors then write.
                    int wide = Wide(g, column);
                    int whole = Math.Min(wide, g.OutChannels / Lanes256.Count * Lanes256.Count);
                    Backward<Lanes256>(place, whole, wide);
                    Backward<Lanes256>(place, 0, whole);
                    Backward<Lanes1>(place, wide, g.OutChannels);
                    place.Next();
                }
            }
        }
    }

    private static void Offsets(in ConvolutionGeometry g, Span<int> taps)
    {
        for (int tap = 0; tap < taps.Length; tap++)
        {
            (int rest, int w) = Math.DivRem(tap, g.KernelWidth);
            (int d, int h) = Math.DivRem(rest, g.KernelHeight);
            taps[tap] = ((((d * g.InHeight) + h) * g.InWidth) + w) * g.InChannels;
        }
    }

    private static long Origin(in ConvolutionGeometry g, int row)
    {
        (int plane, int h) = Math.DivRem(row, g.OutHeight);
        (int n, int d) = Math.DivRem(plane, g.OutDepth);
        return (((long)n * g.InDepth) + (d * g.StrideDepth)) * g.InHeight * g.InWidth * g.InChannels + ((long)h * g.StrideHeight * g.InWidth * g.InChannels);
    }

    /// <summary>Channels that go by vectors: all of them, rounded up where another window follows in the row.</summary>
    private static int Wide(in ConvolutionGeometry g, int column)
    {
        int whole = g.OutChannels / Lanes256.Count * Lanes256.Count;
        bool mayReachOver = whole < g.OutChannels && column + 1 < g.OutWidth && g.OutChannels >= Lanes256.Count / 2;
        return mayReachOver ? whole + Lanes256.Count : whole;
    }

    private static void Forward<T>(in Place place, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        for (int c = begin; c < end; c += T.Count)
        {
            float* x = place.X + c;
            T best = T.Load(x);
            for (int tap = 1; tap < place.Count; tap++)
            {
                T value = T.Load(x + place.Taps[tap]);
                best = T.Select(T.Less(best, value), value, best);
            }

            T.Store(place.Y + c, best);
        }
    }

    private static void Backward<T>(in Place place, int begin, int end)
        where T : unmanaged, ILanes<T>
    {
        for (int c = begin; c < end; c += T.Count)
        {
            float* x = place.X + c;
            T best = T.Load(x);
            T chosen = T.CreateInt(0);
            for (int tap = 1; tap < place.Count; tap++)
            {
                T value = T.Load(x + place.Taps[tap]);
                T larger = T.Less(best, value);
                best = T.Select(larger, value, best);
                chosen = T.Select(larger, T.CreateInt(tap), chosen);
            }

            T dy = T.Load(place.Y + c);
            for (int tap = 0; tap < place.Count; tap++)
            {
                T other = T.GreaterInt(chosen, T.CreateInt(tap)) | T.GreaterInt(T.CreateInt(tap), chosen);
                T.Store(place.Dx + c + place.Taps[tap], T.Select(other, T.Create(0), dy));
            }
        }
    }

    /// <summary>One window: its first tap in input and gradient, its output pixel, and its taps.</summary>
    private struct Place
    {
        private readonly int _step;
        private readonly int _channels;

        public Place(in ConvolutionGeometry g, float* x, float* dx, float* y, int* taps)
        {
            X = x;
            Dx = dx;
            Y = y;
            Taps = taps;
            Count = g.Taps;
            _step = g.StrideWidth * g.InChannels;
            _channels = g.OutChannels;
        }

        public float* X { get; private set; }

        public float* Dx { get; private set; }

        public float* Y { get; private set; }

        public int* Taps { get; }

        public int Count { get; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Next()
        {
            X += _step;
            Dx += _step;
            Y += _channels;
        }
    }
}
