using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Calibration;

/// <content>Counting.</content>
public sealed partial class Histogram
{
    private const int Lanes = 8;
    private const int BlockLength = 4096;

    /// <summary>Counts zeros that a sparse row does not store.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative number.</exception>
    internal void AddZeros(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count > 0)
        {
            Extend(0, 0);
            ZeroCount += count;
            Count += count;
        }
    }

    /// <summary>Counts values.</summary>
    internal void Add(ReadOnlySpan<float> values)
    {
        while (!values.IsEmpty)
        {
            ReadOnlySpan<float> block = values[..Math.Min(BlockLength, values.Length)];
            AddBlock(block);
            values = values[block.Length..];
        }
    }

    private void AddBlock(ReadOnlySpan<float> block)
    {
        if (!Extremes(block, out float low, out float high))
        {
            AddWithNonFinite(block);
            return;
        }

        Extend(low, high);
        Count += block.Length;
        int head = Vector256.IsHardwareAccelerated && Math.Abs(_exponent) < 120 && HasBins ? block.Length / Lanes * Lanes : 0;
        AddVectors(MemoryMarshal.Cast<float, Vector256<float>>(block[..head]));
        foreach (float value in block[head..])
        {
            AddFinite(value);
        }
    }

    private void AddWithNonFinite(ReadOnlySpan<float> block)
    {
        foreach (float value in block)
        {
            if (float.IsFinite(value))
            {
                Extend(value, value);
                Count++;
                AddFinite(value);
            }
            else if (float.IsNaN(value))
            {
                NanCount++;
            }
            else if (value > 0)
            {
                PositiveInfinityCount++;
            }
            else
            {
                NegativeInfinityCount++;
            }
        }
    }

    private void AddFinite(float value)
    {
        if (value == 0)
        {
            ZeroCount++;
        }
        else
        {
            _bins[(int)Math.Floor(Math.ScaleB(value, -_exponent)) + (BinCount / 2)]++;
        }
    }

    // Zeros, often half of a tensor, go to one spare counter a lane behind the bins, so that their increments do not wait for each other.
    private void AddVectors(ReadOnlySpan<Vector256<float>> vectors)
    {
        Vector256<float> scale = Vector256.Create(MathF.ScaleB(1, -_exponent));
        Vector256<int> middle = Vector256.Create(BinCount / 2);
        Vector256<int> spare = Vector256.Create(BinCount) + Vector256<int>.Indices;
        ref long bins = ref MemoryMarshal.GetArrayDataReference(_bins);
        foreach (Vector256<float> x in vectors)
        {
            Vector256<float> scaled = x * scale;
            Vector256<float> isZero = Vector256.Equals(scaled, Vector256<float>.Zero);
            if (Vector256.GreaterThanAny(Vector256.Abs(x) & isZero, Vector256<float>.Zero))
            {
                AddUnderflowing(x);
                continue;
            }

            Vector256<int> bin = Vector256.ConditionalSelect(isZero.AsInt32(), spare, Vector256.ConvertToInt32Native(Vector256.Floor(scaled)) + middle);
            Count8(ref bins, bin);
        }

        foreach (ref long zeros in _bins.AsSpan(BinCount))
        {
            ZeroCount += zeros;
            zeros = 0;
        }
    }

    // x · 2^−e is exact unless it underflows; the scalar path works in double, where it never does.
    private void AddUnderflowing(Vector256<float> x)
    {
        for (int lane = 0; lane < Lanes; lane++)
        {
            AddFinite(x[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Count8(ref long bins, Vector256<int> index)
    {
        // Every index is inside: the caller's block lies inside the grid.
        Vector128<int> low = index.GetLower();
        Vector128<int> high = index.GetUpper();
        Unsafe.Add(ref bins, low.GetElement(0))++;
        Unsafe.Add(ref bins, low.GetElement(1))++;
        Unsafe.Add(ref bins, low.GetElement(2))++;
        Unsafe.Add(ref bins, low.GetElement(3))++;
        Unsafe.Add(ref bins, high.GetElement(0))++;
        Unsafe.Add(ref bins, high.GetElement(1))++;
        Unsafe.Add(ref bins, high.GetElement(2))++;
        Unsafe.Add(ref bins, high.GetElement(3))++;
    }

    /// <summary>Smallest and largest value of a block that is not empty; false, and no result, when one is not finite.</summary>
    internal static bool Extremes(ReadOnlySpan<float> block, out float low, out float high)
    {
        ReadOnlySpan<Vector256<float>> vectors = MemoryMarshal.Cast<float, Vector256<float>>(block);
        Vector256<float> limit = Vector256.Create(float.MaxValue);
        Vector256<float> finite = Vector256<float>.AllBitsSet;
        Vector256<float> lows = Vector256.Create(block[0]);
        Vector256<float> highs = lows;
        foreach (Vector256<float> x in vectors)
        {
            finite &= Vector256.LessThanOrEqual(Vector256.Abs(x), limit);
            lows = Vector256.MinNative(lows, x);
            highs = Vector256.MaxNative(highs, x);
        }

        low = block[0];
        high = block[0];
        for (int lane = 0; lane < Lanes; lane++)
        {
            low = Math.Min(low, lows[lane]);
            high = Math.Max(high, highs[lane]);
        }

        bool allFinite = Vector256.EqualsAll(finite.AsInt32(), Vector256<int>.AllBitsSet);
        foreach (float x in block[(vectors.Length * Lanes)..])
        {
            allFinite &= float.IsFinite(x);
            low = Math.Min(low, x);
            high = Math.Max(high, x);
        }

        return allFinite && float.IsFinite(block[0]);
    }

    /// <summary>Makes the grid hold two finite values and takes them into the extremes.</summary>
    private void Extend(float low, float high)
    {
        // Adding +0 turns −0 into +0, so that the extremes do not depend on order.
        low += 0f;
        high += 0f;
        Minimum = Count == 0 ? low : MathF.Min(Minimum, low);
        Maximum = Count == 0 ? high : MathF.Max(Maximum, high);
        float magnitude = MathF.Max(MathF.Abs(low), MathF.Abs(high));
        if (magnitude != 0)
        {
            Grow(MathF.ILogB(magnitude) + 1 - BitOperations.Log2((uint)BinCount / 2));
        }
    }

    private void Grow(int exponent)
    {
        if (!HasBins)
        {
            HasBins = true;
            _exponent = exponent;
        }
        else if (exponent > _exponent)
        {
            MoveBins(exponent - _exponent);
            _exponent = exponent;
        }
    }

    private void MoveBins(int shift)
    {
        long[] old = _bins.AsSpan(0, BinCount).ToArray();
        _bins.AsSpan(0, BinCount).Clear();
        for (int i = 0; i < BinCount; i++)
        {
            _bins[Shifted(i, shift)] += old[i];
        }
    }
}
