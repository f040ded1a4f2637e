namespace Microsoft.ML.Quantization.Kernels;

/// <summary>What integer the bits of a code in planes stand for. Source codes are <see cref="MidRise"/> or <see cref="Unsigned"/>; weights may be any.</summary>
public enum PlaneKind
{
    /// <summary>2c − (2^bits − 1) for the unsigned code c: {−1, +1}, or {−3, −1, 1, 3}.</summary>
    MidRise = 0,

    /// <summary>c, from 0 to 2^bits − 1.</summary>
    Unsigned = 1,

    /// <summary>Two's complement, from −2^(bits−1) to 2^(bits−1) − 1.</summary>
    Signed = 2,

    /// <summary>{−1, 0, +1}, of 2 bits: a plane of what is not 0 and a plane of signs.</summary>
    Ternary = 3,
}
