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

    /// <summary>Whether one instruction counts the bits of bytes.</summary>
    private static bool CountsAreQuick => AdvSimd.IsSupported;

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
            int eights = CountsAreQuick ? 0 : tile->StepCount / Eight;
            for (int r = 0; r < count && eights > 0; r++)
            {
                Eights<TMeeting>(rows[r] + plane, tile->Steps, eights, w, sums + (r * Panel) + lane);
            }

            for (int begin = Eight * eights; begin < tile->StepCount; begin += Longest)
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

    /// <summary>
    /// Eight steps at once, one pixel: full adders leave the bits of each place as sums of ones, twos, fours and eights, of which only the eights are counted each time (the tree of Harley and Seal,
    /// Warren, Hacker's Delight, 5-1). Counting takes seven instructions, an adder three to five.
    /// </summary>
    private static void Eights<TMeeting>(uint* x, PlaneStep* step, int blocks, byte* words, int* sums)
        where TMeeting : struct, IMeeting
    {
        TLanes ones0 = TLanes.CreateInt(0), ones1 = ones0, twos0 = ones0, twos1 = ones0, fours0 = ones0, fours1 = ones0;
        while (blocks > 0)
        {
            int few = Math.Min(blocks, Longest);
            TLanes count0 = TLanes.CreateInt(0), count1 = count0;
            for (PlaneStep* end = step + (few * Eight); step < end; step += Eight)
            {
                Quarter<TMeeting>(x, step, words, ref ones0, ref ones1, ref twos0, ref twos1, out TLanes carry0, out TLanes carry1);
                Quarter<TMeeting>(x, step + (Eight / 2), words, ref ones0, ref ones1, ref twos0, ref twos1, out TLanes next0, out TLanes next1);
                count0 = TLanes.AddInt(count0, TLanes.BitCounts(FullAdd(ref fours0, carry0, next0)));
                count1 = TLanes.AddInt(count1, TLanes.BitCounts(FullAdd(ref fours1, carry1, next1)));
            }

            blocks -= few;
            float* to = (float*)sums;
            Lane.StorePair(to, TLanes.AddInt(TLanes.Load(to), TLanes.ShiftLeft(Total(count0), 3)), TLanes.AddInt(TLanes.Load(to + TLanes.Count), TLanes.ShiftLeft(Total(count1), 3)));
        }

        AddPair(sums, Rest(ones0, twos0, fours0), Rest(ones1, twos1, fours1));
    }

    /// <summary>Four steps: their fours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter<TMeeting>(uint* x, PlaneStep* step, byte* words, ref TLanes ones0, ref TLanes ones1, ref TLanes twos0, ref TLanes twos1, out TLanes fours0, out TLanes fours1)
        where TMeeting : struct, IMeeting
    {
        Pair<TMeeting>(x, step, words, ref ones0, ref ones1, out TLanes a0, out TLanes a1);
        Pair<TMeeting>(x, step + 2, words, ref ones0, ref ones1, out TLanes b0, out TLanes b1);
        fours0 = FullAdd(ref twos0, a0, b0);
        fours1 = FullAdd(ref twos1, a1, b1);
    }

    /// <summary>Two steps: their twos.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair<TMeeting>(uint* x, PlaneStep* step, byte* words, ref TLanes ones0, ref TLanes ones1, out TLanes twos0, out TLanes twos1)
        where TMeeting : struct, IMeeting
    {
        TLanes first = TLanes.CreateInt((int)x[step->Source]), second = TLanes.CreateInt((int)x[step[1].Source]);
        float* left = (float*)(words + step->Weights), right = (float*)(words + step[1].Weights);
        twos0 = FullAdd(ref ones0, TMeeting.Meet(first, left), TMeeting.Meet(second, right));
        twos1 = FullAdd(ref ones1, TMeeting.Meet(first, left + TLanes.Count), TMeeting.Meet(second, right + TLanes.Count));
    }

    /// <summary>Adds two bits to a sum in every place; returns what is carried.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes FullAdd(ref TLanes sum, TLanes a, TLanes b)
    {
        TLanes differ = a ^ b;
        TLanes carry = TLanes.Select(differ, sum, a);
        sum ^= differ;
        return carry;
    }

    /// <summary>Counts of what was never carried, a byte each; 56 at most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Rest(TLanes ones, TLanes twos, TLanes fours)
    {
        TLanes high = TLanes.BitCounts(fours);
        TLanes middle = TLanes.AddInt(TLanes.AddInt(high, high), TLanes.BitCounts(twos));
        return TLanes.AddInt(TLanes.AddInt(middle, middle), TLanes.BitCounts(ones));
    }

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
