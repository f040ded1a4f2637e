using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Every method and recipe keeps the tier that it states, in an exported network of biases, normalizations, a pool and a clamp.</summary>
[TestClass]
public sealed class ExactnessTests
{
    /// <summary>The share of a network's codes that may differ from those of the exact values, as it is named for T2 (and does not tell the other tiers apart: near ties are rare).</summary>
    private const double MostDiffering = 0.02;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    public static IEnumerable<object[]> Methods => QuantizationMethods.All.SelectMany(m => new[] { m.Bits[0], m.Bits[^1] }.Distinct().Select(b => new object[] { m.Name, b }));

    public static IEnumerable<object[]> Recipes => TrainingRecipes.All.Select(r => new object[] { r.Name });

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void The_engine_keeps_the_tier_of_a_method(string name, int bits)
    {
        MethodEntry entry = QuantizationMethods.Find(name);
        QuantizationMethod At(QuantizerSites site) => entry.Sites.HasFlag(site) ? entry.Default(bits) : new Lsq { Bits = 8 };
        var scheme = new QuantizationAwareScheme
        {
            Weights = At(QuantizerSites.Weights),
            Activations = At(QuantizerSites.Activations),
            Gradients = entry.Sites.HasFlag(QuantizerSites.Gradients) ? entry.Default(bits) : null,
        };
        Keeps(entry.Exactness.Hard, Run(scheme));
    }

    [TestMethod]
    [DynamicData(nameof(Recipes))]
    public void The_engine_keeps_the_tier_of_a_recipe(string name)
    {
        TrainingRecipe recipe = TrainingRecipes.Find(name);
        int[] widths = [1, 2, 3, 4, 8];
        (int w, int a) = widths.SelectMany(w => widths.Select(a => (w, a))).First(p => recipe.Covers(p.w, p.a));

        // Shifts are nodes between quantizers, no part of them: ExportTests holds shifted networks to the engine.
        Keeps(recipe.Exactness.Hard, Run(recipe.Scheme(w, a) with { HasShifts = false }));
    }

    [TestMethod]
    public void Blocks_of_ternary_residuals_are_layers_that_the_engine_adds()
        => Keeps(ExactnessTier.T1, Run(new QuantizationAwareScheme { Weights = new TernaryResidual { Bits = 4, BlockChannels = 16 }, Activations = new Lsq { Bits = 8 } }));

    [TestMethod]
    public void The_tier_of_a_pair_is_the_looser_one()
    {
        Assert.AreEqual(new Exactness(ExactnessTier.T3, ExactnessTier.T1), Exactness.SoftT0.And(Exactness.T1));
        Assert.AreEqual("T3, hard T1", Exactness.SoftT0.And(Exactness.T1).ToString());
        Assert.AreEqual("T2", Exactness.T0.And(Exactness.T2).ToString());
    }

    private static void Keeps(ExactnessTier tier, QuantizationAwareResult result)
    {
        Tensor rows = Batches.Read(Rows(), [.. Enumerable.Range(0, 12)]).Input;
        List<CodeDomain.Site> sites = CodeDomain.Run(result, rows);
        Assert.IsTrue(sites.Count(s => s.Found.Distinct().Count() > 1) >= 2, $"{sites.Count} quantizers of activations, or most of them say nothing");
        foreach (CodeDomain.Site site in sites)
        {
            Assert.IsTrue(tier != ExactnessTier.T0 || site.Expected is not null, $"{site.Name}: not one sum of codes, which T0 needs");
            Check(site, "evaluation in codes", i => site.Expected is null || Same(site.Expected[i], site.Found[i]));
            Check(site, "float sums allow", i => tier == ExactnessTier.T2 || (site.Found[i] >= site.Lowest[i] - Slack(site, i) && site.Found[i] <= site.Highest[i] + Slack(site, i)));
            Check(site, "one step allows", i => tier != ExactnessTier.T2 || Math.Abs(site.Found[i] - site.Nearest[i]) <= 1.001f * site.Step);
        }

        int codes = sites.Sum(s => s.Found.Length);
        int differing = sites.Sum(s => Enumerable.Range(0, s.Found.Length).Count(i => !Same(s.Found[i], s.Nearest[i])));
        Assert.IsTrue(differing <= MostDiffering * codes, $"{differing} of {codes} codes differ");

        // What holds of the interpreter holds of the engine: the same scores, bit for bit, on every kernel set.
        using var interpreter = new Evaluator(result.Quantized.Integer, OperatorTable.Reference);
        float[] expected = interpreter.Run([rows])[0].Values<float>().ToArray();
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using IGraphRunner runner = new EngineRunnerFactory(set).Create(result.Quantized.Integer);
            CollectionAssert.AreEqual(expected, runner.Run([rows])[0].Values<float>().ToArray(), set.Name);
        }
    }

    private static void Check(CodeDomain.Site site, string law, Predicate<int> holds)
    {
        int wrong = Enumerable.Range(0, site.Found.Length).FirstOrDefault(i => !holds(i), -1);
        Assert.IsTrue(wrong < 0, wrong < 0 ? string.Empty : $"{site.Name}[{wrong}]: the engine has {site.Found[wrong]}, {law} {site.Expected?[wrong]} in [{site.Lowest[wrong]}, {site.Highest[wrong]}]");
    }

    private static float Slack(CodeDomain.Site site, int i) => 1e-6f * Math.Abs(site.Found[i]);

    private static bool Same(float a, float b) => Math.Abs(a - b) <= 1e-6f * Math.Abs(a);

    /// <summary>A convolution with normalization, one with a bias and pooling, another one with normalization, two dense layers; rectifiers where levels are more than signs.</summary>
    private static Graph Network(bool hasRectifiers)
    {
        var layers = new LayerBuilder(5);
        ValueId Behind(string name, ValueId y) => hasRectifiers ? layers.Relu(name, y) : y;
        ValueId x = Behind("relu1", layers.NormalizedConvolution("conv1", layers.Input(_image), 6, 3));
        x = layers.Pool("pool2", Behind("relu2", layers.Convolution("conv2", x, 8, 3, 1, hasBias: true)));
        x = Behind("relu3", layers.NormalizedConvolution("conv3", x, 8, 3));
        x = Behind("relu4", layers.Dense("dense4", layers.Flatten("flatten", x), 12));
        return layers.Build(layers.Dense("scores", x, 4));
    }

    private static QuantizationAwareResult Run(QuantizationAwareScheme scheme)
    {
        var options = new QuantizationAwareOptions
        {
            Scheme = scheme,
            InitialRows = 16,
            Training = new TrainingOptions { Epochs = 2, BatchSize = 16, Seed = 3, Optimizer = scheme.Weights is { NeedsPlainDescent: true } ? new Sgd(0) : new Adam(), Rate = 0.01f, LargestGradientNorm = 5 },
        };
        return SmallTraining.Trainer.Run(Network(scheme.Activations is not { Bits: 1 }), Rows(), options);
    }

    private static MemoryBatchSource Rows()
    {
        const int Count = 32;
        float[] pixels = [.. RandomTensors.Floats(Shape.Of(Count, _image.Count), 9).Values<float>().ToArray().Select(v => Math.Clamp(0.5f + (0.4f * v), 0, 1))];
        return new MemoryBatchSource(_image, pixels, [.. Enumerable.Range(0, Count).Select(r => (float)(r % 4))]);
    }
}
