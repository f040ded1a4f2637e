using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <content>The register tiles: acc = fma(x, w, acc), k ascending over the runs.</content>
internal static unsafe partial class PatchProduct<TLanes>
{
    private interface ITileShape
    {
        public static abstract int Rows { get; }

        public static abstract int Vectors { get; }

        /// <summary>Multiplies Rows rows, each of <paramref name="runs"/> runs of <paramref name="length"/> values, <paramref name="step"/> apart.</summary>
        public static abstract void Multiply(float** rows, int runs, nint length, nint step, float* weights, float* sums);
    }

    private readonly struct Two : ITileShape
    {
        public static int Rows => 6;

        public static int Vectors => 2;

        public static void Multiply(float** rows, int runs, nint length, nint step, float* weights, float* sums)
        {
            TLanes s00 = TLanes.Create(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
            TLanes s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
            float* x0 = rows[0], x1 = rows[1], x2 = rows[2], x3 = rows[3], x4 = rows[4], x5 = rows[5];
            for (int run = 0; run < runs; run++)
            {
                for (nint k = 0; k < length; k++, weights += 2 * TLanes.Count)
                {
                    TLanes w0 = TLanes.Load(weights), w1 = TLanes.Load(weights + TLanes.Count);
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

                x0 += step;
                x1 += step;
                x2 += step;
                x3 += step;
                x4 += step;
                x5 += step;
            }

            Store(sums, s00, s01, s10, s11, s20, s21);
            Store(sums + (6 * TLanes.Count), s30, s31, s40, s41, s50, s51);
        }
    }

    /// <summary>Twelve rows at one distance.</summary>
    private readonly struct One : ITileShape
    {
        public static int Rows => 12;

        public static int Vectors => 1;

        public static void Multiply(float** rows, int runs, nint length, nint step, float* weights, float* sums)
        {
            TLanes s0 = TLanes.Create(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
            TLanes s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
            float* x0 = rows[0], x3 = rows[3], x6 = rows[6], x9 = rows[9];
            nint pitch = (nint)(rows[1] - rows[0]);
            for (int run = 0; run < runs; run++)
            {
                nint k1 = pitch;
                nint k2 = 2 * pitch;
                for (nint k = 0; k < length; k++, k1++, k2++, weights += TLanes.Count)
                {
                    TLanes w = TLanes.Load(weights);
                    s0 = TLanes.Fma(TLanes.Create(x0[k]), w, s0);
                    s1 = TLanes.Fma(TLanes.Create(x0[k1]), w, s1);
                    s2 = TLanes.Fma(TLanes.Create(x0[k2]), w, s2);
                    s3 = TLanes.Fma(TLanes.Create(x3[k]), w, s3);
                    s4 = TLanes.Fma(TLanes.Create(x3[k1]), w, s4);
                    s5 = TLanes.Fma(TLanes.Create(x3[k2]), w, s5);
                    s6 = TLanes.Fma(TLanes.Create(x6[k]), w, s6);
                    s7 = TLanes.Fma(TLanes.Create(x6[k1]), w, s7);
                    s8 = TLanes.Fma(TLanes.Create(x6[k2]), w, s8);
                    s9 = TLanes.Fma(TLanes.Create(x9[k]), w, s9);
                    s10 = TLanes.Fma(TLanes.Create(x9[k1]), w, s10);
                    s11 = TLanes.Fma(TLanes.Create(x9[k2]), w, s11);
                }

                x0 += step;
                x3 += step;
                x6 += step;
                x9 += step;
            }

            Store(sums, s0, s1, s2, s3, s4, s5);
            Store(sums + (6 * TLanes.Count), s6, s7, s8, s9, s10, s11);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* sums, TLanes a, TLanes b, TLanes c, TLanes d, TLanes e, TLanes f)
    {
        TLanes.Store(sums, a);
        TLanes.Store(sums + TLanes.Count, b);
        TLanes.Store(sums + (2 * TLanes.Count), c);
        TLanes.Store(sums + (3 * TLanes.Count), d);
        TLanes.Store(sums + (4 * TLanes.Count), e);
        TLanes.Store(sums + (5 * TLanes.Count), f);
    }
}
