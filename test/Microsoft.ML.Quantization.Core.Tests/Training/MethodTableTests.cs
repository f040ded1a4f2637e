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
        var text = new StringBuilder("\n| Method | Stands on | Bits | Source |\n|---|---|---|---|\n");
        foreach (MethodEntry method in QuantizationMethods.All.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {method.Name} | {method.Sites.ToString().ToLowerInvariant()} | {Widths(method.Bits)} | {method.Source} |\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"\nRecipes: {string.Join(", ", TrainingRecipes.All.Select(r => r.Weights == r.Activations ? r.Name : $"{r.Name} ({(r.Weights.Length > 0 ? r.Weights : "float")} + {(r.Activations.Length > 0 ? r.Activations : "float")})"))}.\n").ToString();
    }

    private static string Widths(ImmutableArray<int> bits)
        => bits.Length > 2 && bits[^1] - bits[0] == bits.Length - 1 ? FormattableString.Invariant($"{bits[0]} to {bits[^1]}") : string.Join(", ", bits);

    private static string Here([CallerFilePath] string path = "") => path;
}
