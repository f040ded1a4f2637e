using System;
using System.IO;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>The documentation's operator table is the code's list.</summary>
[TestClass]
public sealed class OperatorTableTests
{
    private const string Begin = "<!-- operators:begin -->";
    private const string End = "<!-- operators:end -->";

    [TestMethod]
    [DataRow("Microsoft.ML.Quantization.Onnx/OPERATORS.md")]
    [DataRow("../README.md")]
    public void TheDocumentedTableIsTheList(string file)
    {
        string path = TestFiles.Source(file);
        string text = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : string.Empty;
        if (!text.Contains(Begin, StringComparison.Ordinal))
        {
            Assert.Inconclusive($"{file} has no table between {Begin} and {End}.");
        }

        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        string expected = "\n" + OnnxOperators.ToMarkdown();
        if (Environment.GetEnvironmentVariable("MLQ_WRITE_OPERATORS") == "1")
        {
            File.WriteAllText(path, text[..begin] + expected + text[end..]);
            return;
        }

        Assert.AreEqual(expected, text[begin..end], "Run this test with MLQ_WRITE_OPERATORS=1 and commit the file.");
    }

    [TestMethod]
    public void EachOperatorStandsOnce()
        => Assert.AreEqual(OnnxOperators.All.Count, OnnxOperators.All.Select(o => o.Name).Distinct().Count());
}
