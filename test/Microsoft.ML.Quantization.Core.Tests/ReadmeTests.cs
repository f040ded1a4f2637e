using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests;

/// <summary>What test/README.md says guards a law exists.</summary>
[TestClass]
public sealed partial class ReadmeTests
{
    [TestMethod]
    public void Every_test_that_the_readme_names_exists()
    {
        string folder = Folder();
        string[] sources = [.. Directory.EnumerateFiles(folder, "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText)];
        (string Class, string Method)[] named = [.. Names().Matches(File.ReadAllText(Path.Combine(folder, "README.md"))).Select(m => (m.Groups[1].Value, m.Groups[2].Value))];
        Assert.IsTrue(named.Length > 100);
        IEnumerable<string> missing = named
            .Where(n => !sources.Any(s => Regex.IsMatch(s, $@"class {n.Class}\b") && (n.Method.Length == 0 || Regex.IsMatch(s, $@"public void {n.Method}\("))))
            .Select(n => $"{n.Class}.{n.Method}");
        Assert.AreEqual(string.Empty, string.Join(", ", missing));
    }

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(Path.GetDirectoryName(here))!;

    [GeneratedRegex(@"`([A-Za-z]+Tests)(?:\.([A-Za-z0-9_]+))?`")]
    private static partial Regex Names();
}
