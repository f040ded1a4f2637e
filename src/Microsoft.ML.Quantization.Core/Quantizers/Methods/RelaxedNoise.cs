using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// Uniform numbers of <see cref="RelaxedGrid"/>, several for each element, as a function of a tensor's key and the element's index: odd multiples of 2^−24, never 0 or 1. Two mixed
/// numbers of the element, of which the first differs for all indices, start and step a counter that is mixed for each point.
/// </summary>
internal readonly unsafe struct RelaxedNoise
{
    private readonly int _low;
    private readonly int _high;

    private static ReadOnlySpan<int> Lanes => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// <summary>The numbers of a tensor at a step.</summary>
    public RelaxedNoise(CounterRandom random)
    {
        ulong key = random.Bits(0);
        (_low, _high) = (unchecked((int)key), unchecked((int)(key >> 32)));
    }

    /// <summary>Writes the numbers of consecutive elements, one row of lanes a point.</summary>
    public void Fill<T>(int first, T* uniform, int points)
        where T : unmanaged, ILanes<T>
    {
        T counter = Mix(T.AddInt(T.AddInt(T.Load((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Lanes))), T.CreateInt(first)), T.CreateInt(_low)));
        T step = Mix(counter ^ T.CreateInt(_high)) | T.CreateInt(1);
        for (int i = 0; i < points; i++)
        {
            T share = T.ShiftDown(Mix(counter), 9);
            uniform[i] = (T.ToFloat(share) + T.Create(0.5f)) * T.Create(1f / (1 << 23));
            counter = T.AddInt(counter, step);
        }
    }

    /// <summary>Shift and multiply, twice; a one-to-one map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Mix<T>(T bits)
        where T : unmanaged, ILanes<T>
    {
        bits ^= T.ShiftDown(bits, 16);
        bits = T.MultiplyInt(bits, T.CreateInt(0x7FEB352D));
        bits ^= T.ShiftDown(bits, 15);
        bits = T.MultiplyInt(bits, T.CreateInt(unchecked((int)0x846CA68B)));
        return bits ^ T.ShiftDown(bits, 16);
    }
}
