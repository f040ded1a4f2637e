namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>The register tiles: acc = fma(x, w, acc), k ascending over the runs of taps.</content>
internal static unsafe partial class FloatConvolution<TLanes>
{
    private static void MultiplySix(in TapRuns runs, float** rows, float* weights, float* sums)
    {
        int block = Block;
        // Before the sums: no vector register outlives a call, so a call behind them would keep the sums in memory.
        TapCursor cursor = new(runs);
        TLanes s00 = TLanes.Create(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
        TLanes s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
        while (cursor.Next(runs))
        {
            float* x0 = rows[0] + cursor.SourceOffset, x1 = rows[1] + cursor.SourceOffset, x2 = rows[2] + cursor.SourceOffset;
            float* x3 = rows[3] + cursor.SourceOffset, x4 = rows[4] + cursor.SourceOffset, x5 = rows[5] + cursor.SourceOffset;
            float* w = weights + cursor.WeightOffset;
            for (nint k = 0; k < runs.Length; k++, w += block)
            {
                TLanes w0 = TLanes.Load(w), w1 = TLanes.Load(w + TLanes.Count);
                TLanes v = TLanes.Create(x0[k]);
                s00 = TLanes.Fma(v, w0, s00);
                s01 = TLanes.Fma(v, w1, s01);
                v = TLanes.Create(x1[k]);
                s10 = TLanes.Fma(v, w0, s10);
                s11 = TLanes.Fma(v, w1, s11);
                v = TLanes.Create(x2[k]);
                s20 = TLanes.Fma(v, w0, s20);
                s21 = TLanes.Fma(v, w1, s21);
                v = TLanes.Create(x3[k]);
                s30 = TLanes.Fma(v, w0, s30);
                s31 = TLanes.Fma(v, w1, s31);
                v = TLanes.Create(x4[k]);
                s40 = TLanes.Fma(v, w0, s40);
                s41 = TLanes.Fma(v, w1, s41);
                v = TLanes.Create(x5[k]);
                s50 = TLanes.Fma(v, w0, s50);
                s51 = TLanes.Fma(v, w1, s51);
            }
        }

        Lane.StorePair(sums, s00, s01);
        Lane.StorePair(sums + block, s10, s11);
        Lane.StorePair(sums + (2 * block), s20, s21);
        Lane.StorePair(sums + (3 * block), s30, s31);
        Lane.StorePair(sums + (4 * block), s40, s41);
        Lane.StorePair(sums + (5 * block), s50, s51);
    }

    private static void MultiplyOne(in TapRuns runs, float* row, float* weights, float* sums)
    {
        TapCursor cursor = new(runs);
        TLanes s0 = TLanes.Create(0), s1 = s0;
        while (cursor.Next(runs))
        {
            float* x = row + cursor.SourceOffset;
            float* w = weights + cursor.WeightOffset;
            for (nint k = 0; k < runs.Length; k++, w += Block)
            {
                TLanes v = TLanes.Create(x[k]);
                s0 = TLanes.Fma(v, TLanes.Load(w), s0);
                s1 = TLanes.Fma(v, TLanes.Load(w + TLanes.Count), s1);
            }
        }

        Lane.StorePair(sums, s0, s1);
    }
}
