namespace Microsoft.ML.Quantization.Packing;

/// <summary>Order of a value's elements in memory.</summary>
internal enum Layout
{
    /// <summary>As the graph's shape says: [N, C, spatial].</summary>
    RowMajor = 0,

    /// <summary>[N, spatial, C]; only for values of rank 3 to 5 whose batch alone may be free.</summary>
    ChannelsLast = 1,

    /// <summary>[N, spatial, planes, words] of bits, <see cref="Kernels.PlaneLayout"/>; only for codes of 1 or 2 bits of rank 2 to 5 whose batch alone may be free.</summary>
    BitPlanes = 2,
}
