using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>How values of one type compare with thresholds.</summary>
internal interface IThresholdComparison
{
    /// <summary>left ≥ right as a mask; false for NaN.</summary>
    public static abstract TLanes AtLeast<TLanes>(TLanes left, TLanes right)
        where TLanes : unmanaged, ILanes<TLanes>;
}
