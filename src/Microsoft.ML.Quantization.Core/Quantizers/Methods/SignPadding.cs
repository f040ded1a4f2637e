namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What a convolution over signs reads in padding; a sign itself has no zero.</summary>
public enum SignPadding
{
    /// <summary>0: such taps contribute nothing. Kernels leave them out.</summary>
    Zero = 0,

    /// <summary>+1, as Group-Net has it.</summary>
    One = 1,

    /// <summary>−1, as networks of Bethge et al. (2018) and of bit-packed mobile engines have it.</summary>
    MinusOne = 2,
}
