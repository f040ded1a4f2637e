using System;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>The documentation's table of training methods is the code's list.</summary>
[TestClass]
public sealed class MethodTableTests
{
    private const string Begin = "<!-- methods:begin -->";
    private const string End = "<!-- methods:end -->";

    [TestMethod]
    public void The_documented_table_is_the_list()
    {
        string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "README.md"));
        if (!File.Exists(path))
        {
            Assert.Inconclusive("README.md is not beside the sources");
        }

        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("MLQ_WRITE_METHODS") == "1")
        {
            File.WriteAllText(path, text[..begin] + Table() + text[end..]);
            return;
        }

        Assert.AreEqual(Table(), text[begin..end], "Run this test with MLQ_WRITE_METHODS=1 and commit the file.");
    }

    private static string Table()
    {
        var text = new StringBuilder("\n| Method | Stands on | Bits | Tier | Source |\n|---|---|---|---|---|\n");
        foreach (MethodEntry method in QuantizationMethods.All.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {method.Name} | {method.Sites.ToString().ToLowerInvariant()} | {Widths(method.Bits)} | {method.Exactness} | {method.Source} |\n");
        }

        text.Append("\nTier: how near the engine comes to hard evaluation of the trained network. T0: the same codes, bit for bit, as sums of whole numbers scaled once. T1: the same, unless a value lies within the rounding of a float sum of a threshold. "
            + "T2: codes at most one step away. T3: training runs something else than what is deployed, and the hard form has the tier named beside it.\n");
        return text.Append(CultureInfo.InvariantCulture, $"\nRecipes: {string.Join(", ", TrainingRecipes.All.Select(Recipe))}.\n").ToString();
    }

    private static string Recipe(TrainingRecipe recipe)
        => $"{recipe.Name} ({(recipe.Weights == recipe.Activations ? (recipe.Name == recipe.Weights ? string.Empty : $"{recipe.Weights}; ") : $"{recipe.Weights} + {recipe.Activations}; ")}{recipe.Exactness})";

    private static string Widths(ImmutableArray<int> bits)
        => bits.Length > 2 && bits[^1] - bits[0] == bits.Length - 1 ? FormattableString.Invariant($"{bits[0]} to {bits[^1]}") : string.Join(", ", bits);

    private static string Here([CallerFilePath] string path = "") => path;
}
