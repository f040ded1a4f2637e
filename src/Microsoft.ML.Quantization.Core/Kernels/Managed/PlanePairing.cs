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

    /// <summary>What stands behind S for a tap of some channels, from the sum of its weight codes and the number of odd ones.</summary>
    public int Constant(int channels, int sum, int odd) => SourceLevels * WeightKind switch
    {
        PlaneKind.MidRise => SourceIsMidRise ? -channels * ((1 << WeightBits) - 1) : sum - (channels * ((1 << WeightBits) - 1)),

        // Of ternary codes the odd ones are those that are not 0, of which (odd − sum) / 2 are −1.
        PlaneKind.Ternary => SourceIsMidRise ? -odd : (sum - odd) / 2,
        _ => SourceIsMidRise ? -sum : 0,
    };
}
