namespace Microsoft.ML.Quantization.Kernels;

/// <summary>What an integer kernel writes for each accumulator.</summary>
public enum AccumulatorOutput
{
    /// <summary>Requantized codes of one unsigned byte.</summary>
    UInt8 = 0,

    /// <summary>Requantized codes of 16 signed bits (residual streams).</summary>
    Int16 = 1,

    /// <summary>The accumulator itself, int32.</summary>
    Int32 = 2,

    /// <summary>fl(fl(float(accumulator) · multiplier) + offset), clamped to [Low, High], float32.</summary>
    Float32 = 3,
}
