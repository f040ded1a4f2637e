using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Rows of <see cref="QuantizationMethods"/> and <see cref="TrainingRecipes"/>: methods of several bits beside the first ones, and of gradients.</summary>
internal static class MultiBitMethods
{
    private static readonly ImmutableArray<int> _oneToFour = [1, 2, 3, 4];
    private static readonly ImmutableArray<int> _twoToEight = [2, 3, 4, 5, 6, 7, 8];

    /// <summary>The rows.</summary>
    public static ImmutableArray<MethodEntry> All { get; } =
    [
        new("DoReFa-G", "Zhou et al., 2016", _twoToEight, Exactness.SoftT0, b => new DoReFaGradients { Bits = b }, s => new DoReFaGradients { Bits = (int)s[0] }),
        new("HWGQ", "Cai et al., 2017", _oneToFour, Exactness.T0, b => new Hwgq { Bits = b }, s => new Hwgq { Bits = (int)s[0], Spacing = (HwgqSpacing)s[1], Slope = (EstimatorKind)s[2] }),
        new("HWGQ-W", "Cai et al., 2017", [1], Exactness.T0, b => new HwgqWeights { Bits = b }, s => new HwgqWeights { Bits = (int)s[0] }),
        new("LQ-Nets", "Zhang et al., 2018", _oneToFour, Exactness.T1, b => new LqNets { Bits = b }, s => new LqNets { Bits = (int)s[0], Signed = s[1] != 0, PerChannel = s[2] != 0, Momentum = s[3] }),
        new("LSQ+", "Bhalgat et al., 2020", _twoToEight, Exactness.T0, b => new LsqPlus { Bits = b }, s => new LsqPlus { Bits = (int)s[0], SnapFrom = s[1] }),
        new("PACT", "Choi et al., 2018", _twoToEight, Exactness.T0, b => new Pact { Bits = b }, s => new Pact { Bits = (int)s[0], InitialClip = s[1], Decay = s[2], FullResidual = s[3] != 0 }),
        new("QN", "Yang et al., 2019", _oneToFour, Exactness.SoftT0, QuantizationNetwork.Of, QuantizationNetwork.From, TakesMore: true),
        new("SAWB", "Choi et al., 2019", [2, 3, 4, 5], Exactness.T0, b => new Sawb { Bits = b }, s => new Sawb { Bits = (int)s[0], PerChannel = s[1] != 0, First = s[2], Second = s[3], Estimator = Estimator.Of(s.AsSpan()[4..]) }),
        new("SR-G", "Gupta et al., 2015", _twoToEight, Exactness.SoftT0, b => new StochasticGradients { Bits = b }, s => new StochasticGradients { Bits = (int)s[0] }),
    ];

    /// <summary>The recipes.</summary>
    public static ImmutableArray<TrainingRecipe> Recipes { get; } =
    [
        new("HWGQ", "HWGQ-W", "HWGQ", "Cai et al., 2017"),
        new("LQ-Nets", "LQ-Nets", "LQ-Nets", "Zhang et al., 2018"),
        new("LSQ+", "LSQ", "LSQ+", "Bhalgat et al., 2020"),
        new("PACT", "DoReFa-W", "PACT", "Choi et al., 2018"),
        new("PACT-SAWB", "SAWB", "PACT", "Choi et al., 2019"),
        new("QN", "QN", "QN", "Yang et al., 2019"),
    ];
}
