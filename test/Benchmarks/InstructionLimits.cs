using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>What streams of instructions reach over registers alone: twelve independent sums, no loads, one thread.</summary>
internal static class InstructionLimits
{
    /// <summary>Widened bytes on 256 bits.</summary>
    public const string Exact256 = "vpmaddwd + vpaddd, 256 bits";

    /// <summary>Bytes with weights of seven bits on 256 bits.</summary>
    public const string Seven256 = "vpmaddubsw + vpmaddwd + vpaddd, 256 bits";

    /// <summary>Exclusive or and counts by table on 256 bits.</summary>
    public const string Bits256 = "xor, counts of bits by vpshufb, 256 bits";

    private const int Steps = 2000;
    private const int Sums = 12;

    // 0.5 as a float. Not a constant, or the loops would be worked out beforehand.
    private static int _seed = 0x3F000000;

    /// <summary>The streams this processor has, in GOP/s.</summary>
    public static IReadOnlyList<(string Name, double Rate)> All()
    {
        var all = new List<(string, double)>();
        if (Avx2.IsSupported && Fma.IsSupported)
        {
            all.Add(("vfmadd, 256 bits", Rate(Loop256<Multiply256>, 8)));
            all.Add((Exact256, Rate(Loop256<Pairs256>, 16)));
            all.Add((Seven256, Rate(Loop256<Bytes256>, 32)));
            all.Add((Bits256, Rate(Loop256<Counts256>, 256)));
        }

        if (Avx512BW.IsSupported)
        {
            all.Add(("vfmadd, 512 bits", Rate(Loop512<Multiply512>, 16)));
            all.Add(("vpmaddwd + vpaddd, 512 bits", Rate(Loop512<Pairs512>, 32)));
            all.Add(("vpmaddubsw + vpmaddwd + vpaddd, 512 bits", Rate(Loop512<Bytes512>, 64)));
            all.Add(("xor, counts of bits by vpshufb, 512 bits", Rate(Loop512<Counts512>, 512)));
        }

        return all;
    }

    private interface IStep<TVector>
    {
        public static abstract TVector Next(TVector sum, TVector x, TVector w);
    }

    private static double Rate(Action loop, int products)
    {
        const double Budget = 2e8;
        return 2.0 * products * Sums * Steps / KernelTimer.Least(loop, Budget);
    }

    private static void Loop256<TStep>()
        where TStep : struct, IStep<Vector256<int>>
    {
        Vector256<int> x = Vector256.Create(_seed), w = x, a = w, b = w, c = w, d = w, e = w, f = w, g = w, h = w, i = w, j = w, k = w, l = w;
        for (int step = 0; step < Steps; step++)
        {
            a = TStep.Next(a, x, w);
            b = TStep.Next(b, x, w);
            c = TStep.Next(c, x, w);
            d = TStep.Next(d, x, w);
            e = TStep.Next(e, x, w);
            f = TStep.Next(f, x, w);
            g = TStep.Next(g, x, w);
            h = TStep.Next(h, x, w);
            i = TStep.Next(i, x, w);
            j = TStep.Next(j, x, w);
            k = TStep.Next(k, x, w);
            l = TStep.Next(l, x, w);
        }

        _seed |= (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l).GetElement(0) & 1;
    }

    private static void Loop512<TStep>()
        where TStep : struct, IStep<Vector512<int>>
    {
        Vector512<int> x = Vector512.Create(_seed), w = x, a = w, b = w, c = w, d = w, e = w, f = w, g = w, h = w, i = w, j = w, k = w, l = w;
        for (int step = 0; step < Steps; step++)
        {
            a = TStep.Next(a, x, w);
            b = TStep.Next(b, x, w);
            c = TStep.Next(c, x, w);
            d = TStep.Next(d, x, w);
            e = TStep.Next(e, x, w);
            f = TStep.Next(f, x, w);
            g = TStep.Next(g, x, w);
            h = TStep.Next(h, x, w);
            i = TStep.Next(i, x, w);
            j = TStep.Next(j, x, w);
            k = TStep.Next(k, x, w);
            l = TStep.Next(l, x, w);
        }

        _seed |= (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l).GetElement(0) & 1;
    }

    // Each step depends on its sum alone, and the product on the sum, too, so that nothing can be moved out of the loop: sums are of 32 bits, products take the sum's bits as one factor.
    private readonly struct Multiply256 : IStep<Vector256<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Next(Vector256<int> sum, Vector256<int> x, Vector256<int> w) => Fma.MultiplyAdd(x.AsSingle(), w.AsSingle(), sum.AsSingle()).AsInt32();
    }

    private readonly struct Pairs256 : IStep<Vector256<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Next(Vector256<int> sum, Vector256<int> x, Vector256<int> w) => sum + Avx2.MultiplyAddAdjacent(sum.AsInt16(), w.AsInt16());
    }

    private readonly struct Bytes256 : IStep<Vector256<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Next(Vector256<int> sum, Vector256<int> x, Vector256<int> w) => sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(sum.AsByte(), w.AsSByte()), x.AsInt16());
    }

    private readonly struct Counts256 : IStep<Vector256<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Next(Vector256<int> sum, Vector256<int> x, Vector256<int> w)
        {
            Vector256<byte> table = Vector256.Create(0x0302020102010100ul, 0x0403030203020201ul, 0x0302020102010100ul, 0x0403030203020201ul).AsByte(), low = Vector256.Create((byte)15);
            Vector256<int> bits = sum ^ w;
            Vector256<byte> upper = Avx2.ShiftRightLogical(bits.AsInt16(), 4).AsByte() & low;
            return (sum.AsByte() + Avx2.Shuffle(table, bits.AsByte() & low) + Avx2.Shuffle(table, upper)).AsInt32();
        }
    }

    private readonly struct Multiply512 : IStep<Vector512<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Next(Vector512<int> sum, Vector512<int> x, Vector512<int> w) => Avx512F.FusedMultiplyAdd(x.AsSingle(), w.AsSingle(), sum.AsSingle()).AsInt32();
    }

    private readonly struct Pairs512 : IStep<Vector512<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Next(Vector512<int> sum, Vector512<int> x, Vector512<int> w) => sum + Avx512BW.MultiplyAddAdjacent(sum.AsInt16(), w.AsInt16());
    }

    private readonly struct Bytes512 : IStep<Vector512<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Next(Vector512<int> sum, Vector512<int> x, Vector512<int> w) => sum + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(sum.AsByte(), w.AsSByte()), x.AsInt16());
    }

    private readonly struct Counts512 : IStep<Vector512<int>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Next(Vector512<int> sum, Vector512<int> x, Vector512<int> w)
        {
            Vector512<byte> table = Vector512.Create(Vector256.Create(0x0302020102010100ul, 0x0403030203020201ul, 0x0302020102010100ul, 0x0403030203020201ul), Vector256.Create(0x0302020102010100ul, 0x0403030203020201ul, 0x0302020102010100ul, 0x0403030203020201ul)).AsByte(), low = Vector512.Create((byte)15);
            Vector512<int> bits = sum ^ w;
            Vector512<byte> upper = Avx512BW.ShiftRightLogical(bits.AsInt16(), 4).AsByte() & low;
            return (sum.AsByte() + Avx512BW.Shuffle(table, bits.AsByte() & low) + Avx512BW.Shuffle(table, upper)).AsInt32();
        }
    }
}
