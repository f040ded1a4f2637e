namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// One pair of kinds as counts of bits. With S = Σ 2^j · c_r · popcount(a_j ∘ W_r) over the planes j of the source and r of the weights (c_r = 2^r, the top
/// one negative for <see cref="PlaneKind.Signed"/>), a tap of n channels gives
/// <code>
/// source × weights      packed W             ∘         Σ value(x) · value(w)
/// mid-rise × mid-rise   ~w                   xor       2S − n·A·B                  A = 2^source bits − 1, B = 2^weight bits − 1
/// unsigned × mid-rise   ~w                   xor       S − A·Σ_r c_r·(n − popcount(w_r))
/// mid-rise × integers   w                    and       2S − A·Σ_r c_r·popcount(w_r)
/// unsigned × integers   w                    and       S
/// mid-rise × ternary    nonzero m, sign z    masked    2S − A·popcount(m)
/// unsigned × ternary    nonzero m, sign z    masked    S − A·popcount(z)
/// </code>
/// because (2a − 1)·w = 2·a·w − w and a ^ ~w is 1 where two signs agree. What stands behind S depends on the weights alone: a constant of each output and tap.
/// </summary>
internal readonly struct PlanePairing
{
    public PlanePairing(in PlaneGeometry g)
    {
        SourceIsMidRise = g.SourceKind == PlaneKind.MidRise;
        WeightKind = g.WeightKind;
        SourceLevels = (1 << g.SourceBits) - 1;
        WeightPlanes = g.WeightKind == PlaneKind.Ternary ? 1 : g.WeightBits;
        WeightBits = g.WeightBits;
        Operation = g.WeightKind switch
        {
            PlaneKind.MidRise => PlaneOperation.Xor,
            PlaneKind.Ternary => PlaneOperation.Masked,
            _ => PlaneOperation.And,
        };
    }

    /// <summary>Whether the source is mid-rise, and S counts twice.</summary>
    public bool SourceIsMidRise { get; }

    /// <summary>The kind of the weights.</summary>
    public PlaneKind WeightKind { get; }

    /// <summary>Bits of a weight code.</summary>
    public int WeightBits { get; }

    /// <summary>A: the highest source code.</summary>
    public int SourceLevels { get; }

    /// <summary>Planes that S runs over.</summary>
    public int WeightPlanes { get; }

    /// <summary>How words meet.</summary>
    public PlaneOperation Operation { get; }

    /// <summary>Words of one step and output in memory.</summary>
    public int WordsOfStep => Operation == PlaneOperation.Masked ? 2 : 1;

    /// <summary>Whether the top plane counts negatively.</summary>
    public bool TopIsNegative => WeightKind == PlaneKind.Signed;

    /// <summary>The bits of a weight that lie in the packed words of plane <paramref name="plane"/>, or of the second word of a ternary step.</summary>
    public int PackedBit(int code, int plane) => WeightKind switch
    {
        PlaneKind.MidRise => ~(code >> plane) & 1,
        PlaneKind.Ternary => plane == 0 ? code & 1 : (code >> 1) & 1,
        _ => (code >> plane) & 1,
    };

    /// <summary>A weight's part of what stands behind S.</summary>
    public int Constant(int code) => SourceLevels * WeightKind switch
    {
        PlaneKind.MidRise => SourceIsMidRise ? -((1 << WeightBits) - 1) : code - ((1 << WeightBits) - 1),
        PlaneKind.Ternary => SourceIsMidRise ? -(code & 1) : -((code >> 1) & 1),
        _ => SourceIsMidRise ? -code : 0,
    };
}
