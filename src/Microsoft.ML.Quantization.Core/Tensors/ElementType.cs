namespace Microsoft.ML.Quantization.Tensors;

/// <summary>The type of a tensor's elements. Numbers are part of the file format.</summary>
public enum ElementType
{
    /// <summary>IEEE binary32.</summary>
    Float32 = 1,

    /// <summary>Unsigned byte; unsigned codes of up to 8 bits.</summary>
    UInt8 = 2,

    /// <summary>Signed byte; signed codes of up to 8 bits.</summary>
    Int8 = 3,

    /// <summary>16 bits, signed; codes of residual streams.</summary>
    Int16 = 4,

    /// <summary>32 bits, signed; accumulators and biases.</summary>
    Int32 = 5,

    /// <summary>64 bits, signed; indices.</summary>
    Int64 = 6,

    /// <summary>One byte, 0 or 1.</summary>
    Boolean = 7,
}
