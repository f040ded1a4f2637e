using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>The register tiles: acc += Σ x·w over the codes of a lane.</content>
internal static unsafe partial class ByteConvolution<TLanes, TCode, TDot>
{
    private static void MultiplySix(int* x0, nint steps, int count, float* w, int* sums)
    {
        TLanes s00 = TLanes.CreateInt(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
        TLanes s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
        int* x1 = x0 + (Math.Min(1, count - 1) * steps), x2 = x0 + (Math.Min(2, count - 1) * steps), x3 = x0 + (Math.Min(3, count - 1) * steps);
        int* x4 = x0 + (Math.Min(4, count - 1) * steps), x5 = x0 + (Math.Min(5, count - 1) * steps);
        for (nint k = 0; k < steps; k++, w += 2 * TLanes.Count)
        {
            TLanes w0 = TLanes.Load(w), w1 = TLanes.Load(w + TLanes.Count);
            TLanes v = TLanes.CreateInt(x0[k]);
            s00 = TDot.Add(s00, v, w0);
            s01 = TDot.Add(s01, v, w1);
            v = TLanes.CreateInt(x1[k]);
            s10 = TDot.Add(s10, v, w0);
            s11 = TDot.Add(s11, v, w1);
            v = TLanes.CreateInt(x2[k]);
            s20 = TDot.Add(s20, v, w0);
            s21 = TDot.Add(s21, v, w1);
            v = TLanes.CreateInt(x3[k]);
            s30 = TDot.Add(s30, v, w0);
            s31 = TDot.Add(s31, v, w1);
            v = TLanes.CreateInt(x4[k]);
            s40 = TDot.Add(s40, v, w0);
            s41 = TDot.Add(s41, v, w1);
            v = TLanes.CreateInt(x5[k]);
            s50 = TDot.Add(s50, v, w0);
            s51 = TDot.Add(s51, v, w1);
        }

        float* target = (float*)sums;
        Lane.StorePair(target, s00, s01);
        Lane.StorePair(target + Block, s10, s11);
        Lane.StorePair(target + (2 * Block), s20, s21);
        Lane.StorePair(target + (3 * Block), s30, s31);
        Lane.StorePair(target + (4 * Block), s40, s41);
        Lane.StorePair(target + (5 * Block), s50, s51);
    }

    private static void MultiplyOne(int* x, nint steps, float* w, int* sums)
    {
        TLanes s0 = TLanes.CreateInt(0), s1 = s0;
        for (nint k = 0; k < steps; k++, w += 2 * TLanes.Count)
        {
            TLanes v = TLanes.CreateInt(x[k]);
            s0 = TDot.Add(s0, v, TLanes.Load(w));
            s1 = TDot.Add(s1, v, TLanes.Load(w + TLanes.Count));
        }

        Lane.StorePair((float*)sums, s0, s1);
    }
}
