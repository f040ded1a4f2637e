using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The register tile of layers over bit planes: 4 pixels × 2 vectors of outputs, one pair of planes.</summary>
internal static unsafe class PlaneCounts<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Pixels at once.</summary>
    public const int Rows = 4;

    /// <summary>Steps after which a byte that grows by 8 at most is nearly full.</summary>
    private const int Longest = 31;

    /// <summary>Steps that are added up before their bits are counted.</summary>
    private const int Eight = 8;

    private const int Panel = PlaneWeights.Panel;

    private const int FewestEights = 2;

    private interface IMeeting
    {
        public static abstract TLanes Meet(TLanes source, float* weights);
    }

    /// <summary>Adds the counts of one pair of planes to sums [Rows][32]; rows behind <paramref name="count"/> repeat the last one.</summary>
    public static void Add(PlaneTile* tile, uint** rows, int count, int plane, byte* words, int* sums)
    {
        switch ((PlaneOperation)tile->Operation)
        {
            case PlaneOperation.Xor:
                Run<XorMeeting>(tile, rows, count, plane, words, sums);
                break;
            case PlaneOperation.And:
                Run<AndMeeting>(tile, rows, count, plane, words, sums);
                break;
            default:
                Run<MaskedMeeting>(tile, rows, count, plane, words, sums);
                break;
        }
    }

    private static void Run<TMeeting>(PlaneTile* tile, uint** rows, int count, int plane, byte* words, int* sums)
        where TMeeting : struct, IMeeting
    {
        for (int lane = 0; lane < Panel; lane += 2 * TLanes.Count)
        {
            byte* w = words + (lane * sizeof(uint));
            int eights = Eights(tile->StepCount);
            for (int r = 0; r < count && eights > 0; r++)
            {
                Eights<TMeeting>(rows[r] + plane, tile->Steps, eights, w, sums + (r * Panel) + lane);
                Eights<TMeeting>(rows[r] + plane, tile->Steps, eights, w + (TLanes.Count * sizeof(uint)), sums + (r * Panel) + lane + TLanes.Count);
            }

            for (int begin = eights; begin < tile->StepCount; begin += Longest)
            {
                int steps = Math.Min(Longest, tile->StepCount - begin);
                if (count == 1)
                {
                    One<TMeeting>(rows[0] + plane, tile->Steps + begin, steps, w, sums + lane);
                }
                else
                {
                    Four<TMeeting>(rows, plane, tile->Steps + begin, steps, w, sums + lane);
                }
            }
        }
    }

    /// <summary>How many steps are taken eight at once, the last ones one by one; few of them do not pay for what is left over.</summary>
    private static int Eights(int steps)
        => AdvSimd.IsSupported || steps < FewestEights * Eight ? 0 : Math.Min(steps, Longest * Eight);

    /// <summary>
    /// Eight steps at once, one pixel, one vector, and the last up to seven one by one. Full adders leave the bits of each place as sums of ones, twos, fours and eights, of which
    /// only the eights are counted each time (the tree of Harley and Seal; Warren, Hacker's Delight, 5-1). Counting takes seven instructions, an adder two to five.
    /// </summary>
    private static void Eights<TMeeting>(uint* x, PlaneStep* step, int steps, byte* words, int* sums)
        where TMeeting : struct, IMeeting
    {
        TLanes ones = TLanes.CreateInt(0), twos = ones, fours = ones, count = ones;
        for (PlaneStep* end = step + (steps / Eight * Eight); step < end; step += Eight)
        {
            TLanes a = Meet<TMeeting>(x, step, words), b = Meet<TMeeting>(x, step + 1, words);
            TLanes first = TLanes.Majority(ones, a, b);
            ones = TLanes.Parity(ones, a, b);
            (a, b) = (Meet<TMeeting>(x, step + 2, words), Meet<TMeeting>(x, step + 3, words));
            TLanes second = TLanes.Majority(ones, a, b);
            ones = TLanes.Parity(ones, a, b);
            TLanes low = TLanes.Majority(twos, first, second);
            twos = TLanes.Parity(twos, first, second);
            (a, b) = (Meet<TMeeting>(x, step + 4, words), Meet<TMeeting>(x, step + 5, words));
            first = TLanes.Majority(ones, a, b);
            ones = TLanes.Parity(ones, a, b);
            (a, b) = (Meet<TMeeting>(x, step + 6, words), Meet<TMeeting>(x, step + 7, words));
            second = TLanes.Majority(ones, a, b);
            ones = TLanes.Parity(ones, a, b);
            TLanes high = TLanes.Majority(twos, first, second);
            twos = TLanes.Parity(twos, first, second);
            count = TLanes.AddInt(count, TLanes.BitCounts(TLanes.Majority(fours, low, high)));
            fours = TLanes.Parity(fours, low, high);
        }

        // What was never carried: 56 a byte at most.
        TLanes rest = TLanes.AddInt(TLanes.ShiftLeft(TLanes.BitCounts(fours), 1), TLanes.BitCounts(twos));
        rest = TLanes.AddInt(TLanes.AddInt(rest, rest), TLanes.BitCounts(ones));
        count = TLanes.ShiftLeft(steps > Longest ? Total(count) : count, 3);
        for (PlaneStep* end = step + (steps % Eight); step < end; step++)
        {
            rest = TLanes.AddInt(rest, TLanes.BitCounts(Meet<TMeeting>(x, step, words)));
        }

        // All counts of a byte fit it up to 31 steps.
        TLanes sum = steps > Longest ? TLanes.AddInt(count, Total(rest)) : Total(TLanes.AddInt(count, rest));
        TLanes.Store((float*)sums, TLanes.AddInt(TLanes.Load((float*)sums), sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Meet<TMeeting>(uint* x, PlaneStep* step, byte* words)
        where TMeeting : struct, IMeeting
        => TMeeting.Meet(TLanes.CreateInt((int)x[step->Source]), (float*)(words + step->Weights));

    private static void Four<TMeeting>(uint** rows, int plane, PlaneStep* step, int steps, byte* words, int* sums)
        where TMeeting : struct, IMeeting
    {
        uint* x0 = rows[0] + plane, x1 = rows[1] + plane, x2 = rows[2] + plane, x3 = rows[3] + plane;
        TLanes s00 = TLanes.CreateInt(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
        for (PlaneStep* end = step + steps; step < end; step++)
        {
            long at = step->Source;
            float* left = (float*)(words + step->Weights);
            float* right = left + TLanes.Count;
            TLanes x = TLanes.CreateInt((int)x0[at]);
            s00 = TLanes.AddInt(s00, TLanes.BitCounts(TMeeting.Meet(x, left)));
            s01 = TLanes.AddInt(s01, TLanes.BitCounts(TMeeting.Meet(x, right)));
            x = TLanes.CreateInt((int)x1[at]);
            s10 = TLanes.AddInt(s10, TLanes.BitCounts(TMeeting.Meet(x, left)));
            s11 = TLanes.AddInt(s11, TLanes.BitCounts(TMeeting.Meet(x, right)));
            x = TLanes.CreateInt((int)x2[at]);
            s20 = TLanes.AddInt(s20, TLanes.BitCounts(TMeeting.Meet(x, left)));
            s21 = TLanes.AddInt(s21, TLanes.BitCounts(TMeeting.Meet(x, right)));
            x = TLanes.CreateInt((int)x3[at]);
            s30 = TLanes.AddInt(s30, TLanes.BitCounts(TMeeting.Meet(x, left)));
            s31 = TLanes.AddInt(s31, TLanes.BitCounts(TMeeting.Meet(x, right)));
        }

        AddPair(sums, s00, s01);
        AddPair(sums + Panel, s10, s11);
        AddPair(sums + (2 * Panel), s20, s21);
        AddPair(sums + (3 * Panel), s30, s31);
    }

    private static void One<TMeeting>(uint* row, PlaneStep* step, int steps, byte* words, int* sums)
        where TMeeting : struct, IMeeting
    {
        TLanes s0 = TLanes.CreateInt(0), s1 = s0;
        for (PlaneStep* end = step + steps; step < end; step++)
        {
            TLanes x = TLanes.CreateInt((int)row[step->Source]);
            float* left = (float*)(words + step->Weights);
            s0 = TLanes.AddInt(s0, TLanes.BitCounts(TMeeting.Meet(x, left)));
            s1 = TLanes.AddInt(s1, TLanes.BitCounts(TMeeting.Meet(x, left + TLanes.Count)));
        }

        AddPair(sums, s0, s1);
    }

    /// <summary>Adds the four bytes of each lane to its sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPair(int* sums, TLanes first, TLanes second)
    {
        float* to = (float*)sums;
        Lane.StorePair(to, TLanes.AddInt(TLanes.Load(to), Total(first)), TLanes.AddInt(TLanes.Load(to + TLanes.Count), Total(second)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Total(TLanes bytes)
    {
        TLanes even = TLanes.CreateInt(0x00FF00FF);
        TLanes halves = TLanes.AddInt(bytes & even, TLanes.ShiftRight(bytes, 8) & even);
        return TLanes.AddInt(halves & TLanes.CreateInt(0xFFFF), TLanes.ShiftRight(halves, 16));
    }

    private readonly struct XorMeeting : IMeeting
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes Meet(TLanes source, float* weights) => source ^ TLanes.Load(weights);
    }

    private readonly struct AndMeeting : IMeeting
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes Meet(TLanes source, float* weights) => source & TLanes.Load(weights);
    }

    private readonly struct MaskedMeeting : IMeeting
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes Meet(TLanes source, float* weights) => (source ^ TLanes.Load(weights + Panel)) & TLanes.Load(weights);
    }
}
