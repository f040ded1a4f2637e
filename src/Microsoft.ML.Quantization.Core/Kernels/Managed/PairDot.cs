using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Two codes a lane, as int16, on any machine: 255 · 128 · 2 fits int32.</summary>
internal readonly unsafe struct PairDot<TLanes> : IByteDot<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Add(TLanes sum, TLanes codes, TLanes weights) => TLanes.AddInt(sum, TLanes.DotPairs(codes, weights));

    /// <inheritdoc/>
    public static void Write(in EpilogueWriter writer, int* sums, in SumRows rows) => writer.WriteRows<TLanes>(sums, rows);
}
