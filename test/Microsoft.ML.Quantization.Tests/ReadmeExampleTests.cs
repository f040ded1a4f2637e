using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>What README.md shows compiles, and names what exists.</summary>
[TestClass]
public sealed partial class ReadmeExampleTests
{
    // A figure of one digit behind the point, from one of two.
    private const double Rounding = 0.0501;

    [TestMethod]
    public void Every_line_of_code_in_the_readme_is_compiled()
    {
        HashSet<string> compiled = [.. File.ReadAllLines(Source("test", "Microsoft.ML.Quantization.Tests", "ReadmeExamples.cs")).Select(Code)];
        string[] shown = [.. Blocks("csharp").Select(Code).Where(l => l.Length > 0)];
        Assert.IsTrue(shown.Length > 20, "the readme has examples, or this test shows nothing");
        Assert.AreEqual(string.Empty, string.Join("\n", shown.Where(l => !compiled.Contains(l))), "Bring ReadmeExamples.cs and README.md together.");
    }

    [TestMethod]
    public void Every_project_in_a_command_of_the_readme_exists()
    {
        string[] named = [.. Blocks(string.Empty).Where(l => l.StartsWith("dotnet ", StringComparison.Ordinal)).Select(l => l.Split(' ')[^1])];
        Assert.IsTrue(named.Length >= 2, "the readme has commands, or this test shows nothing");
        Assert.AreEqual(string.Empty, string.Join(", ", named.Where(n => !Path.Exists(Source(n)))));
    }

    [TestMethod]
    public void Figures_of_the_readme_stand_in_the_results()
    {
        string readme = File.ReadAllText(Source("README.md"));
        Match claim = Claim().Match(readme);
        Assert.IsTrue(claim.Success, "the readme tells what 2 bits lose, or this test goes");
        string[] tables = [.. Directory.EnumerateFiles(Source("test", "Benchmarks", "results"), "accuracy.md", SearchOption.AllDirectories).Select(File.ReadAllText)];
        Assert.IsTrue(tables.Length > 0);
        foreach (string table in tables)
        {
            Assert.AreEqual(double.Parse(claim.Groups[1].Value, CultureInfo.InvariantCulture), Lost(table, "W2A8 codebook"), Rounding);
            Assert.AreEqual(double.Parse(claim.Groups[2].Value, CultureInfo.InvariantCulture), Lost(table, "W2A8"), Rounding);
        }
    }

    private static double Lost(string table, string scheme)
    {
        string row = table.Split('\n').Single(l => l.StartsWith($"| fmnist-resnet8.bn.onnx | {scheme} |", StringComparison.Ordinal));
        return -double.Parse(row.Split('|')[4], CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"2 bits of a codebook lose (\d+\.\d) points where 2 uniform bits lose (\d+\.\d)")]
    private static partial Regex Claim();

    private static string Code(string line) => line.Split("//")[0].Trim();

    /// <summary>The lines between fences of a language.</summary>
    private static IEnumerable<string> Blocks(string language)
    {
        string? open = null;
        foreach (string line in File.ReadAllLines(Source("README.md")))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                open = open is null ? line[3..].Trim() : null;
            }
            else if (open == language)
            {
                yield return line;
            }
        }
    }

    private static string Source(params string[] parts)
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));
        if (!File.Exists(Path.Combine(root, "README.md")))
        {
            Assert.Inconclusive("the sources are not beside the tests");
        }

        return Path.Combine([root, .. parts]);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
