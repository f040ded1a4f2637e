using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// Copies the input values under a few neighbouring output pixels to rows in the order (kd, kh, kw, c); padding reads as 0. Runs are copied by whole vectors
/// that may write past their end, into what a later run writes or what nobody reads, and never read past the input's end.
/// </summary>
internal static unsafe class FloatPatches
{
    private const int Vector = 16;

    /// <summary>Floats from one patch to the next: room for the vectors, and no multiple of what makes rows share cache sets.</summary>
    public static int Pitch(in ConvolutionGeometry g)
    {
        int run = IsJoined(g) ? g.KernelWidth * g.InChannels : g.GroupInChannels;
        int pitch = RoundUp(Math.Max(g.Depth, g.Depth - run + RoundUp(run)));
        return pitch % 256 == 0 ? pitch + Vector : pitch;
    }

    /// <summary>The next multiple of a vector.</summary>
    public static int RoundUp(int count) => (count + Vector - 1) / Vector * Vector;

    /// <summary>Copies the patches of <paramref name="count"/> output pixels, counted over the whole batch, for one group.</summary>
    public static void Copy(in ConvolutionGeometry g, float* source, int group, int first, int count, float* target, int pitch)
    {
        float* end = source + g.InLength;
        for (int done = 0; done < count;)
        {
            (int row, int column) = Math.DivRem(first + done, g.OutWidth);
            int length = Math.Min(count - done, g.OutWidth - column);
            Row(g, source + (group * g.GroupInChannels), end, (row, column, length), target + ((long)done * pitch), pitch);
            done += length;
        }
    }

    private static bool IsJoined(in ConvolutionGeometry g) => g.Groups == 1 && g.DilationWidth == 1;

    /// <summary>Patches of pixels of one output row.</summary>
    private static void Row(in ConvolutionGeometry g, float* source, float* end, (int Row, int Column, int Count) part, float* target, int pitch)
    {
        (int up, int h) = Math.DivRem(part.Row, g.OutHeight);
        (int n, int d) = Math.DivRem(up, g.OutDepth);
        bool joined = IsJoined(g);
        int runs = joined ? 1 : g.KernelWidth;
        var line = new Line
        {
            End = end,
            Count = part.Count,
            Step = g.StrideWidth,
            Width = g.InWidth,
            Taps = joined ? g.KernelWidth : 1,
            Channels = g.InChannels,
            TapLength = g.GroupInChannels,
            Pitch = pitch,
        };
        for (int k = 0; k < g.KernelDepth * g.KernelHeight; k++)
        {
            int z = (d * g.StrideDepth) - g.PadDepth + (k / g.KernelHeight * g.DilationDepth);
            int y = (h * g.StrideHeight) - g.PadHeight + (k % g.KernelHeight * g.DilationHeight);
            bool inside = (uint)z < (uint)g.InDepth && (uint)y < (uint)g.InHeight;
            line.Source = source + ((((((long)n * g.InDepth) + z) * g.InHeight) + y) * g.InWidth * g.InChannels);
            for (int run = 0; run < runs; run++, target += line.Taps * line.TapLength)
            {
                if (inside)
                {
                    line.Copy(target, (part.Column * g.StrideWidth) - g.PadWidth + (run * g.DilationWidth));
                }
                else
                {
                    line.Clear(target);
                }
            }
        }
    }

    /// <summary>One run of taps of the pixels of a row.</summary>
    private ref struct Line
    {
        public float* Source;
        public float* End;
        public int Count;
        public int Step;
        public int Width;
        public int Taps;
        public int Channels;
        public int TapLength;
        public int Pitch;

        private readonly int Length => Taps * TapLength;

        /// <summary>All in padding.</summary>
        public readonly void Clear(float* target)
        {
            for (int i = 0; i < Count; i++, target += Pitch)
            {
                new Span<float>(target, Length).Clear();
            }
        }

        /// <summary>From the column of the first pixel's first tap on.</summary>
        public readonly void Copy(float* target, int column)
        {
            int begin = column >= 0 ? 0 : Math.Min(Count, (Step - 1 - column) / Step);
            int last = Width - Taps - column;
            int end = Math.Max(begin, last < 0 ? 0 : Math.Min(Count, (last / Step) + 1));
            for (int i = 0; i < begin; i++)
            {
                Edge(target + ((long)i * Pitch), column + (i * Step));
            }

            Inside(target + ((long)begin * Pitch), Source + ((long)(column + (begin * Step)) * Channels), end - begin);
            for (int i = end; i < Count; i++)
            {
                Edge(target + ((long)i * Pitch), column + (i * Step));
            }
        }

        private readonly void Inside(float* target, float* source, int count)
        {
            int rounded = RoundUp(Length);
            long step = (long)Step * Channels;
            int i = 0;
            if (rounded == Vector)
            {
                for (; i < count && source + Vector <= End; i++, source += step, target += Pitch)
                {
                    Vector512.Store(Vector512.Load(source), target);
                }
            }
            else
            {
                for (; i < count && source + rounded <= End; i++, source += step, target += Pitch)
                {
                    Vectors(source, target, rounded);
                }
            }

            for (; i < count; i++, source += step, target += Pitch)
            {
                new ReadOnlySpan<float>(source, Length).CopyTo(new Span<float>(target, Length));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Vectors(float* source, float* target, int rounded)
        {
            for (nint j = 0; j < rounded; j += Vector)
            {
                Vector512.Store(Vector512.Load(source + j), target + j);
            }
        }

        private readonly void Edge(float* target, int column)
        {
            int low = Math.Clamp(-column, 0, Taps);
            int high = Math.Clamp(Width - column, low, Taps);
            float* source = Source + ((long)column * Channels);
            int first = low * TapLength;
            int last = high * TapLength;
            int i = 0;
            for (; i < first; i++)
            {
                target[i] = 0;
            }

            for (; i + Vector <= last; i += Vector)
            {
                Vector512.Store(Vector512.Load(source + i), target + i);
            }

            for (; i < last; i++)
            {
                target[i] = source[i];
            }

            for (; i < Length; i++)
            {
                target[i] = 0;
            }
        }
    }
}
