using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Four codes a lane, as bytes, for weights of at most 64 in size: two products of at most 255 · 64 fit the int16 that such instructions saturate to.</summary>
internal readonly unsafe struct SmallDot<TLanes> : IByteDot<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Add(TLanes sum, TLanes codes, TLanes weights) => TLanes.AddInt(sum, TLanes.DotSmallBytes(codes, weights));

    /// <inheritdoc/>
    public static void Write(in EpilogueWriter writer, int* sums, in SumRows rows) => writer.WriteRows<TLanes>(sums, rows);
}
