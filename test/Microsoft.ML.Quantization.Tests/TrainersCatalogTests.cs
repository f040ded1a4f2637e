using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>The catalog has one method a recipe: its source is written from the one list.</summary>
[TestClass]
public sealed class TrainersCatalogTests
{
    [TestMethod]
    public void Every_recipe_has_its_method()
    {
        string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "src", "Microsoft.ML.Quantization", "QuantizationTrainersCatalog.Recipes.cs"));
        if (!Directory.Exists(Path.GetDirectoryName(path)))
        {
            Assert.Inconclusive("the sources are not beside the tests");
        }

        if (Environment.GetEnvironmentVariable("MLQ_WRITE_METHODS") == "1")
        {
            File.WriteAllText(path, Source());
            return;
        }

        Assert.AreEqual(Source(), File.ReadAllText(path).ReplaceLineEndings("\n"), "Run this test with MLQ_WRITE_METHODS=1 and commit the file.");
    }

    private static string Source()
    {
        var text = new StringBuilder("""
            using Microsoft.ML.Quantization.Training;

            namespace Microsoft.ML.Quantization;

            // Written by TrainersCatalogTests from the list of recipes.
            public sealed partial class QuantizationTrainersCatalog
            {
                private const string Label = QuantizationAwareTrainingEstimator.Defaults.LabelColumnName;
                private const string Features = ScoringOptions.Defaults.InputColumnName;

            """.ReplaceLineEndings("\n"));
        foreach (TrainingRecipe recipe in TrainingRecipes.All.OrderBy(r => Identifier(r.Name), StringComparer.Ordinal))
        {
            text.Append("\n    ").AppendJoin("\n    ", Lines(recipe, recipe.UsualBits.Weights, recipe.UsualBits.Activations)).Append('\n');
        }

        return text.Append("}\n").ToString();
    }

    private static string[] Lines(TrainingRecipe recipe, int weights, int activations) =>
    [
        $"/// <summary>{recipe.Name}: {Side("weights", recipe.Weights)}, {Side("activations", recipe.Activations)}; {recipe.Source}.</summary>",
        "/// <inheritdoc cref=\"Recipe\" path=\"/param\"/>",
        $"public QuantizationAwareTrainingEstimator {Identifier(recipe.Name)}(",
        FormattableString.Invariant($"    NetworkStart network, int weightBits = {weights}, int activationBits = {activations}, string labelColumnName = Label, string featureColumnName = Features, TrainingOptions? training = null)"),
        $"    => Recipe(\"{recipe.Name}\", network, weightBits, activationBits, labelColumnName, featureColumnName, training);",
    ];

    private static string Side(string side, string method)
        => method.Length == 0 ? side + " float" : FormattableString.Invariant($"{side} by {method} ({Widths(QuantizationMethods.Find(method).Bits)})");

    private static string Widths(ImmutableArray<int> bits) => bits.Length == 1
        ? FormattableString.Invariant($"{bits[0]} bit{(bits[0] > 1 ? "s" : string.Empty)}")
        : FormattableString.Invariant($"{bits[0]} to {bits[^1]} bits");

    /// <summary>LSQ gives Lsq, LSQ+ LsqPlus, RQ-ST RQST: acronyms of three letters or more are words.</summary>
    private static string Identifier(string name)
        => string.Concat(name.Replace("+", "-Plus", StringComparison.Ordinal).Split('-', ' ', '/').Select(w => w.Length > 2 && w.All(char.IsUpper) ? w[0] + w[1..].ToLowerInvariant() : char.ToUpperInvariant(w[0]) + w[1..]));

    private static string Here([CallerFilePath] string path = "") => path;
}
