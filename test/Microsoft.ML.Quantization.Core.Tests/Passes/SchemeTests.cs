using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>What schemes refuse, and which layers they pick.</summary>
[TestClass]
public sealed class SchemeTests
{
    [TestMethod]
    [DataRow(1, 8, null)]
    [DataRow(9, 8, null)]
    [DataRow(8, 0, null)]
    [DataRow(8, 16, null)]
    [DataRow(8, 8, 4)]
    public void Q150_for_widths_outside_the_legal_set(int weights, int activations, int? stream)
        => AssertCode(QuantizationErrorCode.InvalidBitWidth, new QuantizationScheme { WeightBits = weights, ActivationBits = activations, StreamBits = stream });

    [TestMethod]
    public void Q150_for_widths_of_overrides() => AssertCode(QuantizationErrorCode.InvalidBitWidth, new QuantizationScheme { Overrides = [new LayerOverride("a", 4, 1)] });

    [TestMethod]
    public void Q151_for_parts_that_contradict_each_other()
    {
        QuantizationScheme[] wrong =
        [
            new() { WeightGranularity = Granularity.PerGroup },
            new() { WeightGroupSize = 32 },
            new() { WeightRange = RangeSource.Entropy },
            new() { WeightRange = RangeSource.MovingAverage() },
            new() { ActivationRange = RangeSource.Percentile(0.3) },
            new() { ActivationRange = RangeSource.MovingAverage(0) },
            new() { ActivationRange = new RangeSource(RangeMethod.MinMax, 1) },
            new() { EdgeLayers = (EdgeLayers)7 },
            new() { KeepFloat = [" "] },
            new() { Overrides = [new LayerOverride("a", 4, 8) { GroupSize = 16 }] },
            new() { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32, Overrides = [new LayerOverride("a", 4, 8) { GroupSize = -1 }] },
        ];
        foreach (QuantizationScheme scheme in wrong)
        {
            AssertCode(QuantizationErrorCode.InvalidOptions, scheme);
        }
    }

    [TestMethod]
    public void Equal_parts_are_equal_schemes_and_every_part_counts()
    {
        QuantizationScheme[] schemes =
        [
            new(),
            new() { WeightBits = 7 },
            new() { ActivationBits = 4 },
            new() { SignedActivations = true },
            new() { SymmetricActivations = true },
            new() { EdgeLayers = EdgeLayers.Float },
            new() { StreamBits = 16 },
            new() { KeepFloat = ["a"] },
            new() { KeepFloat = ["a','b"] },
            new() { KeepFloat = ["a", "b"] },
            new() { Overrides = [new LayerOverride("a", 4, 4)] },
            new() { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32, Overrides = [new LayerOverride("a", 4, 4)] },
            new() { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32, Overrides = [new LayerOverride("a", 4, 4) { GroupSize = 16 }] },
            new() { BiasCorrection = false },
            new() { LeastSquaresRefit = false },
            new() { Seed = 1 },
            new() { WeightRange = RangeSource.MinMax },
            new() { ActivationRange = RangeSource.Percentile(0.99) },
            new() { WeightGranularity = Granularity.PerTensor },
            new() { WeightCodebook = new WeightCodebook() },
            new() { WeightCodebook = new WeightCodebook { RealLevels = true } },
            new() { WeightCodebook = new WeightCodebook { ChannelsPerBook = 8 } },
            new() { WeightCodebook = new WeightCodebook { WeightedByInputs = false } },
            new() { WeightCodebook = new WeightCodebook { Method = CodebookMethod.Linear } },
            new() { TernaryTerms = new TernaryTerms() },
            new() { TernaryTerms = new TernaryTerms { BlockChannels = 32 } },
            new() { TernaryTerms = new TernaryTerms { ExtraTerms = 0.5 } },
            new() { TernaryTerms = new TernaryTerms { MostTerms = 3 } },
            new() { TernaryTerms = new TernaryTerms { Rule = TernaryTermRule.Tolerance } },
            new() { TernaryTerms = new TernaryTerms { Rule = TernaryTermRule.Tolerance, Tolerance = 0.1 } },
            new() { TernaryTerms = new TernaryTerms { Rule = TernaryTermRule.Tolerance, FirstTolerance = 0.05 } },
        ];
        Assert.AreEqual(schemes.Length, schemes.Distinct().Count());
        Assert.AreEqual(new QuantizationScheme { KeepFloat = ["a"] }, new QuantizationScheme { KeepFloat = ["a"] });
        Assert.AreEqual(QuantizationScheme.SevenBitWeights, schemes[1]);
    }

    [TestMethod]
    public void A_codebook_may_have_one_bit_and_contradicts_groups_and_ranges()
    {
        var book = new QuantizationScheme { WeightBits = 1, WeightCodebook = new WeightCodebook() };
        Assert.AreSame(book, book.Validate());
        AssertCode(QuantizationErrorCode.InvalidBitWidth, book with { WeightCodebook = null });
        AssertCode(QuantizationErrorCode.InvalidBitWidth, book with { WeightBits = 9 });
        AssertCode(QuantizationErrorCode.InvalidOptions, book with { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32 });
        AssertCode(QuantizationErrorCode.InvalidOptions, book with { WeightRange = RangeSource.MinMax });
        AssertCode(QuantizationErrorCode.InvalidOptions, book with { WeightCodebook = new WeightCodebook { ChannelsPerBook = -1 } });
        AssertCode(QuantizationErrorCode.InvalidOptions, book with { WeightCodebook = new WeightCodebook { Method = (CodebookMethod)9 } });
    }

    [TestMethod]
    public void Ternary_terms_have_two_bits_and_contradict_groups_and_codebooks()
    {
        QuantizationScheme scheme = QuantizationScheme.TernaryResidual;
        Assert.AreSame(scheme, scheme.Validate());
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { WeightBits = 3 });
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { WeightGranularity = Granularity.PerGroup, WeightGroupSize = 32 });
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { WeightGranularity = Granularity.PerTensor });
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { WeightCodebook = new WeightCodebook() });
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { TernaryTerms = new TernaryTerms { MostTerms = 9 } });
        AssertCode(QuantizationErrorCode.InvalidOptions, scheme with { TernaryTerms = new TernaryTerms { ExtraTerms = -1 } });
    }

    [TestMethod]
    public void Q152_names_the_three_nearest_layers()
    {
        Graph graph = GraphCases.Residual();
        var error = Assert.ThrowsException<QuantizationException>(() => LayerSelection.Run(graph, new QuantizationScheme { KeepFloat = ["Convolutoin_2"] }));
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, error.Code);
        StringAssert.Contains(error.Message, "'Convolution_2'");
        Assert.AreEqual(8, error.Message.Count(c => c == '\''), "the pattern and three names");
    }

    [TestMethod]
    public void Q151_for_an_impossible_expression()
    {
        var error = Assert.ThrowsException<QuantizationException>(() => LayerSelection.Run(GraphCases.Mlp(), new QuantizationScheme { KeepFloat = ["(a"] }));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
    }

    [TestMethod]
    public void A_pattern_is_a_name_first_and_else_an_expression_over_the_whole_name()
    {
        ImmutableArray<LayerPlan> layers = LayerSelection.Run(GraphCases.Residual(), new QuantizationScheme { KeepFloat = ["Convolution", "Convolution_[45]"] });
        Check.Sequence(layers.Where(l => l.IsFloat).Select(l => l.Name).ToArray(), "Convolution", "Convolution_4", "Convolution_5");
    }

    [TestMethod]
    public void First_and_last_layers_on_each_path_are_edges()
    {
        var net = new Net();
        ValueId x = net.Input("x", -1, 1, 4, 4);
        ValueId w = net.Constant("w", [1, 1, 1, 1], 1);
        ValueId a = net.Conv("first.a", x, w);
        ValueId b = net.Conv("first.b", x, w);
        ValueId c = net.Conv("middle", net.Binary("sum", BinaryOperator.Add, a, b), w);
        Graph graph = net.Build(net.Conv("last.a", c, w), net.Conv("last.b", net.Relu("relu", c), w));
        Check.Sequence(LayerSelection.Run(graph, QuantizationScheme.FourBits).Where(l => l.IsEdge).Select(l => l.Name).ToArray(), "first.a", "first.b", "last.a", "last.b");
    }

    [TestMethod]
    [DataRow(EdgeLayers.EightBits, "8/8 4/4 8/8")]
    [DataRow(EdgeLayers.SameBits, "4/4 4/4 4/4")]
    [DataRow(EdgeLayers.Float, "32/32 4/4 32/32")]
    public void The_edge_rule_sets_the_widths_of_edges(EdgeLayers rule, string expected)
    {
        ImmutableArray<LayerPlan> layers = LayerSelection.Run(GraphCases.Mlp(), QuantizationScheme.FourBits with { EdgeLayers = rule });
        Assert.AreEqual(expected, string.Join(" ", layers.Select(l => $"{l.WeightBits}/{l.ActivationBits}")));
    }

    [TestMethod]
    public void An_override_wins_over_the_edge_rule_and_seven_bit_weights_stay_seven()
    {
        ImmutableArray<LayerPlan> layers = LayerSelection.Run(GraphCases.Mlp(), QuantizationScheme.FourBits with { Overrides = [new LayerOverride("Dense", 3, 5)] });
        Assert.AreEqual("3/5 4/4 8/8", string.Join(" ", layers.Select(l => $"{l.WeightBits}/{l.ActivationBits}")));
        Assert.IsTrue(LayerSelection.Run(GraphCases.Mlp(), QuantizationScheme.SevenBitWeights).All(l => l.WeightBits == 7));
    }

    [TestMethod]
    public void An_override_may_name_a_group_size_and_takes_the_schemes_otherwise()
    {
        var scheme = new QuantizationScheme { WeightBits = 4, WeightGranularity = Granularity.PerGroup, WeightGroupSize = 8, EdgeLayers = EdgeLayers.SameBits };
        ImmutableArray<LayerPlan> layers = LayerSelection.Run(GraphCases.Mlp(), scheme with { Overrides = [new LayerOverride("Dense", 4, 8) { GroupSize = 4 }, new LayerOverride("Dense_2", 5, 8)] });
        Assert.AreEqual("4/4 4/8 5/8", string.Join(" ", layers.Select(l => $"{l.WeightBits}/{l.GroupSize}")));
        StringAssert.Contains((scheme with { Overrides = [new LayerOverride("Dense", 4, 8) { GroupSize = 4 }] }).ToString(), "overrides=['Dense':W4A8G4]");
        Assert.IsTrue(LayerSelection.Run(GraphCases.Mlp(), QuantizationScheme.FourBits).All(l => l.GroupSize == 0));
    }

    private static void AssertCode(QuantizationErrorCode code, QuantizationScheme scheme)
        => Assert.AreEqual(code, Assert.ThrowsException<QuantizationException>(() => scheme.Validate()).Code, scheme.ToString());
}
