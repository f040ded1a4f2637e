using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

/// <summary>
/// Law: floats go through the library's own elementary functions, because those of the platform differ from machine to machine. In double they may serve where
/// something is fitted.
/// </summary>
[TestClass]
public sealed partial class FloatFunctionsOnlyTests
{
    private static readonly string[] _engine = ["Numerics", "Kernels", "Operators", "Evaluation", "Execution", "Packing"];

    [TestMethod]
    public void NoPlatformFunctionOfFloatsInSource()
    {
        List<string> found = [];
        foreach (string file in Directory.EnumerateFiles(Source(), "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file);
            found.AddRange(Hits(file, PlatformFloat().Matches(text)));
            if (Array.Exists(_engine, folder => file.Contains(Path.Combine("Microsoft.ML.Quantization.Core", folder), StringComparison.Ordinal)))
            {
                found.AddRange(Hits(file, PlatformDouble().Matches(text)));
            }
        }

        Assert.AreEqual(0, found.Count, string.Join(Environment.NewLine, found));
    }

    private static IEnumerable<string> Hits(string file, MatchCollection matches)
    {
        foreach (Match match in matches)
        {
            yield return $"{Path.GetFileName(file)}: {match.Value}";
        }
    }

    private static string Source([CallerFilePath] string here = "")
    {
        string source = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "src");
        if (!Directory.Exists(source))
        {
            Assert.Inconclusive("The source folder is not beside the tests.");
        }

        return source;
    }

    [GeneratedRegex(@"\b(MathF|float|Single|TensorPrimitives)\.(Exp|Exp2|Log|Log2|Log10|Tanh|Sinh|Cosh|Pow|Sin|Cos|Tan|Asin|Acos|Atan|Cbrt|Sigmoid|SoftMax)\w*\(")]
    private static partial Regex PlatformFloat();

    [GeneratedRegex(@"\b(Math|double|Double)\.(Exp|Exp2|Log|Log2|Log10|Tanh|Sinh|Cosh|Pow|Sin|Cos|Tan|Asin|Acos|Atan|Cbrt)\w*\(")]
    private static partial Regex PlatformDouble();
}
