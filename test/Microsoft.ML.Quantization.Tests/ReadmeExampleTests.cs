using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>What README.md shows compiles, and names what exists.</summary>
[TestClass]
public sealed class ReadmeExampleTests
{
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
