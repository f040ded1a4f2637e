namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>What happens to the first and last convolution or dense layer on each path.</summary>
public enum EdgeLayers
{
    /// <summary>Weights and inputs of 8 bits (more is never lowered: a scheme of 8 bits stays as it is).</summary>
    EightBits = 0,

    /// <summary>As all other layers.</summary>
    SameBits = 1,

    /// <summary>They stay float.</summary>
    Float = 2,
}
