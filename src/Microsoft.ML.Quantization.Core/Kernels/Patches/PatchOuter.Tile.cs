using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <content>The register tiles: acc = fma(gradient, patch, acc), pixel after pixel.</content>
internal static unsafe partial class PatchOuter<TLanes>
{
    private interface ITileShape
    {
        public static abstract int Outputs { get; }

        public static abstract int Vectors { get; }

        /// <summary>sums[output][lane] = fma(gradient, patch, sum) over the pixels of a block.</summary>
        public static abstract void Add(in Block work, float* gradient, float* patches, float* sums);
    }

    private readonly struct Three : ITileShape
    {
        public static int Outputs => 4;

        public static int Vectors => 3;

        public static void Add(in Block work, float* gradient, float* patches, float* sums)
        {
            nint sumsPitch = work.SumsPitch;
            nint gradientPitch = work.GradientPitch;
            nint pitch = work.Pitch;
            float* r0 = sums, r1 = r0 + sumsPitch, r2 = r1 + sumsPitch, r3 = r2 + sumsPitch;
            int one = TLanes.Count, two = 2 * TLanes.Count;
            TLanes s00 = TLanes.Load(r0), s01 = TLanes.Load(r0 + one), s02 = TLanes.Load(r0 + two);
            TLanes s10 = TLanes.Load(r1), s11 = TLanes.Load(r1 + one), s12 = TLanes.Load(r1 + two);
            TLanes s20 = TLanes.Load(r2), s21 = TLanes.Load(r2 + one), s22 = TLanes.Load(r2 + two);
            TLanes s30 = TLanes.Load(r3), s31 = TLanes.Load(r3 + one), s32 = TLanes.Load(r3 + two);
            for (int line = 0; line < work.Lines; line++)
            {
                float* dy = gradient + (line * work.GradientLine);
                float* x = patches + (line * work.LinePitch);
                for (int p = 0; p < work.Count; p++, dy += gradientPitch, x += pitch)
                {
                    TLanes x0 = TLanes.Load(x), x1 = TLanes.Load(x + one), x2 = TLanes.Load(x + two);
                    TLanes v = TLanes.Create(dy[0]);
                    s00 = TLanes.Fma(v, x0, s00);
                    s01 = TLanes.Fma(v, x1, s01);
                    s02 = TLanes.Fma(v, x2, s02);
                    v = TLanes.Create(dy[1]);
                    s10 = TLanes.Fma(v, x0, s10);
                    s11 = TLanes.Fma(v, x1, s11);
                    s12 = TLanes.Fma(v, x2, s12);
                    v = TLanes.Create(dy[2]);
                    s20 = TLanes.Fma(v, x0, s20);
                    s21 = TLanes.Fma(v, x1, s21);
                    s22 = TLanes.Fma(v, x2, s22);
                    v = TLanes.Create(dy[3]);
                    s30 = TLanes.Fma(v, x0, s30);
                    s31 = TLanes.Fma(v, x1, s31);
                    s32 = TLanes.Fma(v, x2, s32);
                }
            }

            Store(r0, s00, s01, s02);
            Store(r1, s10, s11, s12);
            Store(r2, s20, s21, s22);
            Store(r3, s30, s31, s32);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(float* sums, TLanes a, TLanes b, TLanes c)
        {
            TLanes.Store(sums, a);
            TLanes.Store(sums + TLanes.Count, b);
            TLanes.Store(sums + (2 * TLanes.Count), c);
        }
    }

    private readonly struct Two : ITileShape
    {
        public static int Outputs => 4;

        public static int Vectors => 2;

        public static void Add(in Block work, float* gradient, float* patches, float* sums)
        {
            nint sumsPitch = work.SumsPitch;
            nint gradientPitch = work.GradientPitch;
            nint pitch = work.Pitch;
            float* r0 = sums, r1 = r0 + sumsPitch, r2 = r1 + sumsPitch, r3 = r2 + sumsPitch;
            int one = TLanes.Count;
            TLanes s00 = TLanes.Load(r0), s01 = TLanes.Load(r0 + one), s10 = TLanes.Load(r1), s11 = TLanes.Load(r1 + one);
            TLanes s20 = TLanes.Load(r2), s21 = TLanes.Load(r2 + one), s30 = TLanes.Load(r3), s31 = TLanes.Load(r3 + one);
            for (int line = 0; line < work.Lines; line++)
            {
                float* dy = gradient + (line * work.GradientLine);
                float* x = patches + (line * work.LinePitch);
                for (int p = 0; p < work.Count; p++, dy += gradientPitch, x += pitch)
                {
                    TLanes x0 = TLanes.Load(x), x1 = TLanes.Load(x + one);
                    TLanes v = TLanes.Create(dy[0]);
                    s00 = TLanes.Fma(v, x0, s00);
                    s01 = TLanes.Fma(v, x1, s01);
                    v = TLanes.Create(dy[1]);
                    s10 = TLanes.Fma(v, x0, s10);
                    s11 = TLanes.Fma(v, x1, s11);
                    v = TLanes.Create(dy[2]);
                    s20 = TLanes.Fma(v, x0, s20);
                    s21 = TLanes.Fma(v, x1, s21);
                    v = TLanes.Create(dy[3]);
                    s30 = TLanes.Fma(v, x0, s30);
                    s31 = TLanes.Fma(v, x1, s31);
                }
            }

            TLanes.Store(r0, s00);
            TLanes.Store(r0 + one, s01);
            TLanes.Store(r1, s10);
            TLanes.Store(r1 + one, s11);
            TLanes.Store(r2, s20);
            TLanes.Store(r2 + one, s21);
            TLanes.Store(r3, s30);
            TLanes.Store(r3 + one, s31);
        }
    }

    private readonly struct One : ITileShape
    {
        public static int Outputs => 8;

        public static int Vectors => 1;

        public static void Add(in Block work, float* gradient, float* patches, float* sums)
        {
            nint sumsPitch = work.SumsPitch;
            nint gradientPitch = work.GradientPitch;
            nint pitch = work.Pitch;
            float* r4 = sums + (4 * sumsPitch);
            nint two = 2 * sumsPitch;
            nint three = 3 * sumsPitch;
            TLanes s0 = TLanes.Load(sums), s1 = TLanes.Load(sums + sumsPitch), s2 = TLanes.Load(sums + two), s3 = TLanes.Load(sums + three);
            TLanes s4 = TLanes.Load(r4), s5 = TLanes.Load(r4 + sumsPitch), s6 = TLanes.Load(r4 + two), s7 = TLanes.Load(r4 + three);
            for (int line = 0; line < work.Lines; line++)
            {
                float* dy = gradient + (line * work.GradientLine);
                float* x = patches + (line * work.LinePitch);
                for (int p = 0; p < work.Count; p++, dy += gradientPitch, x += pitch)
                {
                    TLanes patch = TLanes.Load(x);
                    s0 = TLanes.Fma(TLanes.Create(dy[0]), patch, s0);
                    s1 = TLanes.Fma(TLanes.Create(dy[1]), patch, s1);
                    s2 = TLanes.Fma(TLanes.Create(dy[2]), patch, s2);
                    s3 = TLanes.Fma(TLanes.Create(dy[3]), patch, s3);
                    s4 = TLanes.Fma(TLanes.Create(dy[4]), patch, s4);
                    s5 = TLanes.Fma(TLanes.Create(dy[5]), patch, s5);
                    s6 = TLanes.Fma(TLanes.Create(dy[6]), patch, s6);
                    s7 = TLanes.Fma(TLanes.Create(dy[7]), patch, s7);
                }
            }

            TLanes.Store(sums, s0);
            TLanes.Store(sums + sumsPitch, s1);
            TLanes.Store(sums + two, s2);
            TLanes.Store(sums + three, s3);
            TLanes.Store(r4, s4);
            TLanes.Store(r4 + sumsPitch, s5);
            TLanes.Store(r4 + two, s6);
            TLanes.Store(r4 + three, s7);
        }
    }
}
