using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests.Conformance;

/// <summary>
/// The ONNX project's own test data, as Debian's package libonnx-testdata installs them (ONNX_TESTDATA names another folder). Data/conformance.txt
/// lists what passes and why the rest is skipped; with MLQ_WRITE_CONFORMANCE=1 the first test writes it anew.
/// </summary>
[TestClass]
public sealed class ConformanceTests
{
    private const string Default = "/usr/share/libonnx-testdata/data";
    private const string FractionalLength = "expected with a fractional output length in align_corners; the output's own length is used here, as runtimes do";
    private const string Brain = "a cast to bfloat16 is not rounded here: such values are float32, with a warning";
    private const string OtherShape = "the data of input 'like' have another shape than the model declares";
    private static readonly string[] _suites = ["node", "pytorch-converted", "pytorch-operator", "simple"];

    /// <summary>Cases whose expected output another reading of the text gives.</summary>
    private static readonly Dictionary<string, string> _deviations = new(StringComparer.Ordinal)
    {
        ["test_resize_downsample_scales_cubic_align_corners"] = FractionalLength,
        ["test_resize_downsample_scales_linear_align_corners"] = FractionalLength,
        ["test_cast_FLOAT_to_BFLOAT16"] = Brain,
        ["test_castlike_FLOAT_to_BFLOAT16_expanded"] = Brain,
        ["test_castlike_FLOAT_to_BFLOAT16"] = OtherShape,
        ["test_castlike_BFLOAT16_to_FLOAT"] = OtherShape,
    };

    [TestMethod]
    public void EveryCommittedCasePassesAndNoneFails()
    {
        SortedDictionary<string, ConformanceResult> results = RunAll();
        if (Environment.GetEnvironmentVariable("MLQ_WRITE_CONFORMANCE") == "1")
        {
            File.WriteAllText(TestFiles.Own("conformance.txt"), Report(results));
        }

        string[] failed = [.. results.Where(r => r.Value.Outcome == "fail").Select(r => $"{r.Key}: {r.Value.Detail}")];
        Assert.AreEqual(0, failed.Length, string.Join("\n", failed));
        string[] committed = Committed();
        string[] lost = [.. committed.Where(c => !results.TryGetValue(c, out ConformanceResult? found) || found.Outcome != "pass")];
        Assert.AreEqual(0, lost.Length, "These passed before: " + string.Join(", ", lost));
        int passed = results.Values.Count(r => r.Outcome == "pass");
        Assert.AreEqual(committed.Length, passed, "More cases pass than are listed: run with MLQ_WRITE_CONFORMANCE=1 and commit the file.");
    }

    [TestMethod]
    public void TheCommittedCountIsThatOfTheList()
    {
        string[] lines = File.ReadAllLines(TestFiles.Own("conformance.txt"));
        Assert.AreEqual($"passed {Committed().Length.ToString(CultureInfo.InvariantCulture)}", lines[0]);
    }

    private static string[] Committed() => [.. File.ReadAllLines(TestFiles.Own("conformance.txt")).Where(l => l.StartsWith("pass ", StringComparison.Ordinal)).Select(l => l[5..])];

    private static SortedDictionary<string, ConformanceResult> RunAll()
    {
        string root = Environment.GetEnvironmentVariable("ONNX_TESTDATA") ?? Default;
        if (!Directory.Exists(root))
        {
            Assert.Inconclusive($"No ONNX test data in '{root}': install libonnx-testdata or set ONNX_TESTDATA.");
        }

        var results = new SortedDictionary<string, ConformanceResult>(StringComparer.Ordinal);
        foreach (string suite in _suites)
        {
            foreach (string folder in Directory.GetDirectories(Path.Combine(root, suite)))
            {
                results[$"{suite}/{Path.GetFileName(folder)}"] = RunOne(folder);
            }
        }

        return results;
    }

    private static ConformanceResult RunOne(string folder)
    {
        if (_deviations.TryGetValue(Path.GetFileName(folder), out string? deviation))
        {
            return new("skip", deviation);
        }

        try
        {
            return new ConformanceCase(folder).Run();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new("fail", e.GetType().Name + ": " + e.Message);
        }
    }

    private static string Report(SortedDictionary<string, ConformanceResult> results)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"passed {results.Values.Count(r => r.Outcome == "pass")}\n");
        foreach ((string name, ConformanceResult result) in results.OrderBy(r => r.Value.Outcome, StringComparer.Ordinal).ThenBy(r => r.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{result.Outcome} {name}{(result.Detail.Length > 0 ? ": " + result.Detail : string.Empty)}\n");
        }

        return text.ToString();
    }
}
