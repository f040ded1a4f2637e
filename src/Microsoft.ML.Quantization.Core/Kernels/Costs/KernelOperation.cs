namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>What a step spends its time on, as far as cost is concerned; the names stand in throughput tables.</summary>
internal enum KernelOperation
{
    /// <summary>Anything without a kernel of its own; a unit is a value.</summary>
    General = 0,

    /// <summary>Integer convolution or dense layer over bytes; a unit is a product.</summary>
    ConvolutionByte,

    /// <summary>Float convolution or dense layer; a unit is a product.</summary>
    ConvolutionFloat,

    /// <summary>Depthwise integer convolution; a unit is a product.</summary>
    DepthwiseByte,

    /// <summary>Depthwise float convolution; a unit is a product.</summary>
    DepthwiseFloat,

    /// <summary>Layer over bit planes; a unit is a product.</summary>
    ConvolutionPlanes,

    /// <summary>Codes to and from planes, thresholds, pools of planes; a unit is a value.</summary>
    PlaneCodes,

    /// <summary>Dense layer with weights in groups; a unit is a product.</summary>
    GroupedDense,

    /// <summary>Dense layer over weights that stay narrow in memory; a unit is a product.</summary>
    DenseNarrow,

    /// <summary>Rows to codes with a scale of their own; a unit is a value.</summary>
    QuantizeRows,

    /// <summary>Largest code of windows; a unit is a tap.</summary>
    MaxPoolByte,

    /// <summary>Largest float of windows; a unit is a tap.</summary>
    MaxPoolFloat,

    /// <summary>Mean of codes of windows; a unit is a tap.</summary>
    AveragePoolByte,

    /// <summary>Mean of floats of windows; a unit is a tap.</summary>
    AveragePoolFloat,

    /// <summary>Mean of floats of whole images; a unit is a value read.</summary>
    GlobalAverageFloat,

    /// <summary>Floats to codes; a unit is a value.</summary>
    QuantizeFloat,

    /// <summary>Codes to floats; a unit is a value.</summary>
    DequantizeByte,

    /// <summary>Codes through a table; a unit is a value.</summary>
    TranslateByte,

    /// <summary>Addition of codes; a unit is a value.</summary>
    AddByte,

    /// <summary>Addition of floats; a unit is a value.</summary>
    AddFloat,

    /// <summary>Clamp of floats; a unit is a value.</summary>
    ClampFloat,

    /// <summary>The caller's floats to codes in channels-last order; a unit is a value.</summary>
    EntryByte,

    /// <summary>The caller's values to floats in channels-last order; a unit is a value.</summary>
    EntryFloat,

    /// <summary>Values moved without change; a unit is a byte.</summary>
    Copy,

    /// <summary>Values moved between row-major and channels-last order; a unit is a value.</summary>
    Transpose,

    /// <summary>One code a channel times all codes of the channel; a unit is a value.</summary>
    Gate,

    /// <summary>Mean of 16-bit codes of windows; a unit is a tap.</summary>
    AveragePoolWide,

    /// <summary>Largest 16-bit code of windows; a unit is a tap.</summary>
    MaxPoolWide,
}
