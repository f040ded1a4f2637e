using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What a method, or a pair of methods, promises of the engine's results.</summary>
/// <param name="Tier">What training and engine have in common.</param>
/// <param name="Hard">What hard evaluation and engine have in common: T0 to T2; the same where training is hard.</param>
public readonly record struct Exactness(ExactnessTier Tier, ExactnessTier Hard)
{
    /// <summary>Hard training, exact codes.</summary>
    public static Exactness T0 => new(ExactnessTier.T0, ExactnessTier.T0);

    /// <summary>Hard training, codes up to the rounding of float sums.</summary>
    public static Exactness T1 => new(ExactnessTier.T1, ExactnessTier.T1);

    /// <summary>Hard training, codes up to one step.</summary>
    public static Exactness T2 => new(ExactnessTier.T2, ExactnessTier.T2);

    /// <summary>Training that is not what is deployed; exact codes for its hard form.</summary>
    public static Exactness SoftT0 => new(ExactnessTier.T3, ExactnessTier.T0);

    /// <summary>What holds for both of two.</summary>
    public Exactness And(Exactness other) => new((ExactnessTier)Math.Max((int)Tier, (int)other.Tier), (ExactnessTier)Math.Max((int)Hard, (int)other.Hard));

    /// <summary>"T1", or "T3, hard T0".</summary>
    public override string ToString() => Tier == Hard ? $"{Tier}" : $"{Tier}, hard {Hard}";
}
