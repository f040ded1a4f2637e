namespace Microsoft.ML.Quantization.Kernels;

/// <summary>The order of the weights of one output channel that are to be packed. Numbers are those of <c>mlq.h</c>.</summary>
public enum WeightAxes
{
    /// <summary>[taps][channels of a group]: the order of the kernels' sums.</summary>
    TapsFirst = 0,

    /// <summary>[channels of a group][taps]: the order of the graph.</summary>
    ChannelsFirst = 1,
}
