using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>What a byte convolution does at each step: lanes that hold a few codes and weights each, multiplied, summed within the lane and added, exactly.</summary>
internal unsafe interface IByteDot<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>sum + Σ codes · weights, lane by lane in int32.</summary>
    public static abstract TLanes Add(TLanes sum, TLanes codes, TLanes weights);

    /// <summary>Writes the sums of a few pixels, in vectors as wide as the machine has for it (<see cref="EpilogueWriter.WriteRows"/>).</summary>
    public static abstract void Write(in EpilogueWriter writer, int* sums, in SumRows rows);
}
