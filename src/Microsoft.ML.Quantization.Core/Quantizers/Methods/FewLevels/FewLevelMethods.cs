using System;
using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>The rows of binary and ternary methods in <see cref="QuantizationMethods"/> and <see cref="TrainingRecipes"/>.</summary>
internal static class FewLevelMethods
{
    private static readonly ImmutableArray<int> _one = [1];
    private static readonly ImmutableArray<int> _two = [2];

    /// <summary>All of them.</summary>
    public static ImmutableArray<MethodEntry> All { get; } =
    [
        new("ABC-A", "Lin et al., 2017", [1, 2, 3, 4, 5], Exactness.T1, b => new AbcActivations { Bits = b }, AbcActivations.From, Fewest: 1),
        new("ABC-W", "Lin et al., 2017", [1, 2, 3, 4, 5], Exactness.T1, b => new AbcWeights { Bits = b }, s => new AbcWeights { Bits = (int)s[0], PerChannel = s[1] != 0 }),
        new("ADMM", "Leng et al., 2018", [1, 2, 3, 4], Exactness.SoftT0, b => new Admm { Bits = b }, s => new Admm { Bits = (int)s[0], Penalty = s[1], EveryEpochs = (int)s[2], FreezeAt = s[3] }),
        new("Bi-Real", "Liu et al., 2018", _one, Exactness.T0, b => new BiReal { Bits = b }, s => new BiReal { Bits = (int)s[0], Signed = s[1] != 0, MagnitudeAware = s[2] != 0 }),
        new("BinaryConnect", "Courbariaux et al., 2015", _one, Exactness.T0, b => new BinaryConnect { Bits = b }, s => new BinaryConnect { Bits = (int)s[0], Stochastic = s[1] != 0, Glorot = s[2] != 0, StretchSteps = s[3] != 0 }),
        new("BMXNet", "Bethge et al., 2018", _one, Exactness.T0, b => new BmxNet { Bits = b }, s => new BmxNet { Bits = (int)s[0], Signed = s[1] != 0, Threshold = s[2], Scale = (SignScale)s[3] }),
        new("BNN", "Hubara et al., 2016", _one, Exactness.T0, b => new Bnn { Bits = b }, s => new Bnn { Bits = (int)s[0], Signed = s[1] != 0, StretchSteps = s[2] != 0, Stochastic = s[3] != 0, Slope = Estimator.Of(s.AsSpan()[4..]) }),
        new("BWN", "Rastegari et al., 2016", _one, Exactness.T0, b => new Xnor { Bits = b, WeightsOnly = true }, static s => Xnor.From(s, weightsOnly: true), TakesMore: true),
        new("FTP-A", "Friesen and Domingos, 2018", [1, 2, 3], Exactness.T0, b => new TargetPropagation { Bits = b }, s => new TargetPropagation { Bits = (int)s[0], Signed = s[1] != 0, Soft = s[2] != 0, SignOnly = s[3] != 0 }),
        new("Group-Net", "Zhuang et al., 2019", _one, Exactness.T0, b => new GroupNet { Bits = b }, s => new GroupNet { Bits = (int)s[0], Signed = s[1] != 0 }),
        new("HashNet", "Cao et al., 2017", _one, Exactness.SoftT0, b => new HashNet { Bits = b }, s => new HashNet { Bits = (int)s[0], Signed = s[1] != 0, Growth = s[2], Every = (int)s[3], Final = s[4] }),
        new("HORQ-A", "Li et al., 2017; Tang et al., 2017", [1, 2, 3], Exactness.T1, b => new Horq { Bits = b }, Horq.From, TakesMore: true),
        new("IR-Net", "Qin et al., 2020", _one, Exactness.T0, b => new IrNet { Bits = b }, s => new IrNet { Bits = (int)s[0], Signed = s[1] != 0, Slope = Estimator.Of(s.AsSpan()[2..]) }),
        new("LAB", "Hou et al., 2017", _one, Exactness.T0, LossAwareOf(false), LossAwareFrom(false)),
        new("LAQ", "Hou and Kwok, 2018", [3, 4, 5, 6, 7, 8], Exactness.T0, LossAwareOf(false), LossAwareFrom(false)),
        new("LAQ-log", "Hou and Kwok, 2018", [3, 4], Exactness.T0, LossAwareOf(true), LossAwareFrom(true)),
        new("LAT", "Hou and Kwok, 2018", _two, Exactness.T0, LossAwareOf(false), LossAwareFrom(false)),
        new("LAT2", "Hou and Kwok, 2018", _two, Exactness.T1, b => new LossAwareTwo { Bits = b }, s => new LossAwareTwo { Bits = (int)s[0] }),
        new("Tang-W", "Tang et al., 2017", _one, Exactness.T0, b => new BipolarWeights { Bits = b }, s => new BipolarWeights { Bits = (int)s[0], Pull = s[1] }),
        new("TBN-A", "Wan et al., 2018", _two, Exactness.T0, b => new Tbn { Bits = b }, Tbn.From, TakesMore: true),
        new("TernaryResidual", "Kundu et al., 2017", [2, 4, 6], Exactness.T1, b => new TernaryResidual { Bits = b }, s => new TernaryResidual { Bits = (int)s[0], BlockChannels = (int)s[1], Tolerance = s[2] }),
        new("TTQ", "Zhu et al., 2017", _two, Exactness.T1, b => new Ttq { Bits = b }, Ttq.From, TakesMore: true),
        new("TWN", "Li and Liu, 2016", _two, Exactness.T0, b => new TernaryWeights { Bits = b }, s => new TernaryWeights { Bits = (int)s[0], Exact = s[1] != 0, PerChannel = s[2] != 0 }),
        new("XNOR", "Rastegari et al., 2016", _one, Exactness.T0, b => new Xnor { Bits = b }, static s => Xnor.From(s, weightsOnly: false), TakesMore: true),
    ];

    /// <summary>Their pairs for both operands, as the papers have them; activations of weight-only methods have learned steps where they are not float: ranges of the whole signal waste the few levels of 2 and 3 bits.</summary>
    public static ImmutableArray<TrainingRecipe> Recipes { get; } =
    [
        new("ABC-Net", "ABC-W", "ABC-A", "Lin et al., 2017"),
        new("ADMM", "ADMM", "LSQ", "Leng et al., 2018"),
        new("Bi-Real", "Bi-Real", "Bi-Real", "Liu et al., 2018") { Form = RealDownsampling },
        new("BinaryConnect", "BinaryConnect", "LSQ", "Courbariaux et al., 2015") { Form = SameEdges },
        new("BinaryDenseNet", "BNN", "BNN", "Bethge et al., 2019") { Form = static s => RealDownsampling(Clipped(s, 1.3f)) },
        new("BMXNet", "BMXNet", "BMXNet", "Bethge et al., 2018") { Form = static s => RealDownsampling(s) with { Padding = SignPadding.MinusOne, HasOffsets = s.Weights is not null && s.Activations is not null } },
        new("BNN", "BNN", "BNN", "Hubara et al., 2016") { Form = SameEdges },
        new("BWN", "BWN", "LSQ", "Rastegari et al., 2016"),
        new("FTProp", "BWN", "FTP-A", "Friesen and Domingos, 2018"),
        new("Group-Net", "Group-Net", "Group-Net", "Zhuang et al., 2019") { Form = static s => s with { Padding = SignPadding.One } },
        new("HashNet", "HashNet", "HashNet", "Cao et al., 2017") { Form = static s => Sharpened(s, 30) },
        new("HORQ", "XNOR", "HORQ-A", "Li et al., 2017") { UsualBits = (1, 2), Form = static s => s.Activations is Horq horq ? s with { Activations = horq with { PerOrder = true } } : s },
        new("IR-Net", "IR-Net", "IR-Net", "Qin et al., 2020") { Form = RealDownsampling },
        new("LAB", "LAB", "LSQ", "Hou et al., 2017") { Form = SameEdges },
        new("LAQ", "LAQ", "LSQ", "Hou and Kwok, 2018") { Form = SameEdges },
        new("LAT", "LAT", "LSQ", "Hou and Kwok, 2018") { Form = SameEdges },
        new("ReActNet", "Bi-Real", "Bi-Real", "Liu et al., 2020") { Form = static s => RealDownsampling(s) with { HasShifts = s.Activations is not null } },
        new("ResNetE", "BNN", "BNN", "Bethge et al., 2019") { Form = static s => RealDownsampling(Clipped(s, 1.25f)) },
        new("Tang", "Tang-W", "HORQ-A", "Tang et al., 2017") { UsualBits = (1, 2) },
        new("TBN", "BWN", "TBN-A", "Wan et al., 2018") { Form = static s => s.Weights is Xnor xnor ? s with { Weights = xnor with { Gradient = ScaleGradient.Unchanged, LeavesLatent = true } } : s },
        new("TernaryResidual", "TernaryResidual", "LSQ", "Kundu et al., 2017") { UsualBits = (4, 8) },
        new("TTQ", "TTQ", "LSQ", "Zhu et al., 2017"),
        new("TWN", "TWN", "LSQ", "Li and Liu, 2016") { Form = SameEdges },
        new("XNOR", "XNOR", "XNOR", "Rastegari et al., 2016") { Form = RealDownsampling },
    ];

    /// <summary>First and last layer like all others, images in 8 bits.</summary>
    private static QuantizationAwareScheme SameEdges(QuantizationAwareScheme scheme) => scheme with { EdgeLayers = EdgeLayers.SameBits, InputBits = scheme.Activations is null ? 0 : 8 };

    /// <summary>Shortcuts and transitions at the bits of first and last layers.</summary>
    private static QuantizationAwareScheme RealDownsampling(QuantizationAwareScheme scheme) => scheme with { DownsamplingAsEdges = true };

    /// <summary>Signs whose window of gradients and bound of latent weights are one number, with steps of ordinary length.</summary>
    private static QuantizationAwareScheme Clipped(QuantizationAwareScheme scheme, float bound)
    {
        QuantizationMethod? Of(QuantizationMethod? method) => method is Bnn signs ? signs with { StretchSteps = false, Slope = Estimator.Clip(bound) } : method;
        return scheme with { Weights = Of(scheme.Weights), Activations = Of(scheme.Activations) };
    }

    /// <summary>Signs that are all but hard at the end of a run of any length: the square root of its steps asks for tens of thousands of them.</summary>
    private static QuantizationAwareScheme Sharpened(QuantizationAwareScheme scheme, float final)
    {
        QuantizationMethod? Of(QuantizationMethod? method) => method is HashNet signs ? signs with { Final = final } : method;
        return scheme with { Weights = Of(scheme.Weights), Activations = Of(scheme.Activations) };
    }

    private static Func<int, QuantizationMethod> LossAwareOf(bool logarithmic) => b => new LossAware { Bits = b, Logarithmic = logarithmic };

    private static Func<ImmutableArray<float>, QuantizationMethod> LossAwareFrom(bool logarithmic) => s => new LossAware { Bits = (int)s[0], Logarithmic = logarithmic, Exact = s[1] != 0, FromLevels = s[2] != 0 };
}
