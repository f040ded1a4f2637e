using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>The register tiles: acc += x0·w0 + x1·w1 over pairs of products.</content>
internal static unsafe partial class ByteConvolution<TLanes>
{
    private static void MultiplySix(short* rows, nint pairs, int count, short* panel, int* sums)
    {
        TLanes s00 = TLanes.CreateInt(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
        TLanes s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
        int* x0 = (int*)rows;
        int* x1 = x0 + (Math.Min(1, count - 1) * pairs), x2 = x0 + (Math.Min(2, count - 1) * pairs), x3 = x0 + (Math.Min(3, count - 1) * pairs);
        int* x4 = x0 + (Math.Min(4, count - 1) * pairs), x5 = x0 + (Math.Min(5, count - 1) * pairs);
        float* w = (float*)panel;
        for (nint k = 0; k < pairs; k++, w += 2 * TLanes.Count)
        {
            TLanes w0 = TLanes.Load(w), w1 = TLanes.Load(w + TLanes.Count);
            TLanes v = TLanes.CreateInt(x0[k]);
            s00 = TLanes.AddInt(s00, TLanes.DotPairs(v, w0));
            s01 = TLanes.AddInt(s01, TLanes.DotPairs(v, w1));
            v = TLanes.CreateInt(x1[k]);
            s10 = TLanes.AddInt(s10, TLanes.DotPairs(v, w0));
            s11 = TLanes.AddInt(s11, TLanes.DotPairs(v, w1));
            v = TLanes.CreateInt(x2[k]);
            s20 = TLanes.AddInt(s20, TLanes.DotPairs(v, w0));
            s21 = TLanes.AddInt(s21, TLanes.DotPairs(v, w1));
            v = TLanes.CreateInt(x3[k]);
            s30 = TLanes.AddInt(s30, TLanes.DotPairs(v, w0));
            s31 = TLanes.AddInt(s31, TLanes.DotPairs(v, w1));
            v = TLanes.CreateInt(x4[k]);
            s40 = TLanes.AddInt(s40, TLanes.DotPairs(v, w0));
            s41 = TLanes.AddInt(s41, TLanes.DotPairs(v, w1));
            v = TLanes.CreateInt(x5[k]);
            s50 = TLanes.AddInt(s50, TLanes.DotPairs(v, w0));
            s51 = TLanes.AddInt(s51, TLanes.DotPairs(v, w1));
        }

        float* target = (float*)sums;
        Lane.StorePair(target, s00, s01);
        Lane.StorePair(target + Block, s10, s11);
        Lane.StorePair(target + (2 * Block), s20, s21);
        Lane.StorePair(target + (3 * Block), s30, s31);
        Lane.StorePair(target + (4 * Block), s40, s41);
        Lane.StorePair(target + (5 * Block), s50, s51);
    }

    private static void MultiplyOne(short* row, nint pairs, short* panel, int* sums)
    {
        TLanes s0 = TLanes.CreateInt(0), s1 = s0;
        int* x = (int*)row;
        float* w = (float*)panel;
        for (nint k = 0; k < pairs; k++, w += 2 * TLanes.Count)
        {
            TLanes v = TLanes.CreateInt(x[k]);
            s0 = TLanes.AddInt(s0, TLanes.DotPairs(v, TLanes.Load(w)));
            s1 = TLanes.AddInt(s1, TLanes.DotPairs(v, TLanes.Load(w + TLanes.Count)));
        }

        Lane.StorePair((float*)sums, s0, s1);
    }
}
