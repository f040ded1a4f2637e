using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Four codes a lane, as unsigned bytes against signed ones, in one instruction that does not saturate (AVX-VNNI, <c>vpdpbusd</c>).</summary>
/// <typeparam name="TWide">Vectors for what follows the products.</typeparam>
internal readonly unsafe struct QuadDot<TWide> : IByteDot<Lanes256>
    where TWide : unmanaged, ILanes<TWide>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Add(Lanes256 sum, Lanes256 codes, Lanes256 weights)
        => new(AvxVnni.MultiplyWideningAndAdd(sum.Value.AsInt32(), codes.Value.AsByte(), weights.Value.AsSByte()).AsSingle());

    /// <inheritdoc/>
    public static void Write(in EpilogueWriter writer, int* sums, in SumRows rows) => writer.WriteRows<TWide>(sums, rows);
}
