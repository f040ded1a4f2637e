namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>How a word a of the source meets a word w of the weights before its bits are counted.</summary>
internal enum PlaneOperation
{
    /// <summary>a ^ w.</summary>
    Xor = 0,

    /// <summary>a &amp; w.</summary>
    And = 1,

    /// <summary>(a ^ z) &amp; w, z being the word behind w.</summary>
    Masked = 2,
}
