using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests;

/// <summary>Reads the using lines of every folder of Core: data flow in one direction, and this test says where it does not.</summary>
[TestClass]
public sealed partial class LayeringTests
{
    // Folder → the folders it may name. The order of src/README.md.
    private static readonly Dictionary<string, string[]> _allowed = new(StringComparer.Ordinal)
    {
        ["Numerics"] = [],
        ["Allocation"] = [],
        ["Threading"] = ["Numerics"],
        ["Tensors"] = ["Numerics"],
        ["Quantizers"] = ["Numerics", "Threading", "Tensors"],
        ["Graphs"] = ["Numerics", "Threading", "Tensors", "Quantizers"],
        ["Serialization"] = ["Numerics", "Allocation", "Tensors", "Quantizers", "Graphs"],
        ["Kernels"] = ["Numerics", "Allocation", "Threading"],
        ["Operators"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Kernels"],
        ["Evaluation"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Kernels", "Operators"],
        ["Calibration"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Serialization", "Kernels", "Operators", "Evaluation"],
        ["Packing"] = ["Numerics", "Allocation", "Threading", "Tensors", "Quantizers", "Graphs", "Kernels", "Operators"],
        ["Execution"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Kernels", "Operators", "Packing"],
        ["Networks"] = ["Numerics", "Tensors", "Quantizers", "Graphs"],
        ["Training"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Serialization", "Kernels", "Operators", "Evaluation"],
        ["QuantizationAware"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Serialization", "Kernels", "Operators", "Evaluation", "PostTraining", "Training", "Networks"],
        ["PostTraining"] = ["Numerics", "Threading", "Tensors", "Quantizers", "Graphs", "Kernels", "Operators", "Evaluation", "Calibration", "Serialization"],
        ["Prediction"] = ["Numerics", "Tensors", "Quantizers", "Graphs", "Kernels", "Operators", "Evaluation", "Calibration", "Packing"],
    };

    [TestMethod]
    public void Every_folder_names_only_folders_below_it()
    {
        var wrong = new List<string>();
        foreach (string file in Directory.EnumerateFiles(CoreFolder(), "*.cs", SearchOption.AllDirectories))
        {
            string[] parts = Path.GetRelativePath(CoreFolder(), file).Split(Path.DirectorySeparatorChar);
            if (parts.Length == 1 || parts[0] is "bin" or "obj")
            {
                continue;
            }

            Assert.IsTrue(_allowed.ContainsKey(parts[0]), $"the folder {parts[0]} has no place in the order");
            wrong.AddRange(Used(file).Where(u => u != parts[0] && !_allowed[parts[0]].Contains(u)).Select(u => $"{string.Join('/', parts)} uses {u}"));
        }

        Assert.AreEqual(0, wrong.Count, string.Join(Environment.NewLine, wrong));
    }

    [TestMethod]
    public void Core_generates_no_code_at_run_time_and_loads_none()
    {
        string[] forbidden = ["System.Reflection.Emit", "Expression.Compile", "DynamicMethod", "Assembly.Load", "System.Linq.Expressions"];
        string[] found = [.. Directory.EnumerateFiles(CoreFolder(), "*.cs", SearchOption.AllDirectories)
            .SelectMany(f => File.ReadLines(f).Where(l => forbidden.Any(w => l.Contains(w, StringComparison.Ordinal))).Select(l => $"{Path.GetFileName(f)}: {l.Trim()}"))];
        Assert.AreEqual(0, found.Length, string.Join(Environment.NewLine, found));
    }

    [TestMethod]
    public void Only_Numerics_rounds()
    {
        string[] found = [.. Directory.EnumerateFiles(CoreFolder(), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains(Path.DirectorySeparatorChar + "Numerics" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .SelectMany(f => File.ReadLines(f).Where(l => BareRound().IsMatch(l)).Select(l => $"{Path.GetFileName(f)}: {l.Trim()}"))];
        Assert.AreEqual(0, found.Length, string.Join(Environment.NewLine, found));
    }

    private static IEnumerable<string> Used(string file) => File.ReadLines(file)
        .Select(line => UsingLine().Match(line))
        .Where(match => match.Success)
        .Select(match => match.Groups[1].Value);

    private static string CoreFolder([CallerFilePath] string here = "")
        => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "src", "Microsoft.ML.Quantization.Core"));

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?Microsoft\.ML\.Quantization\.(\w+)[.;]")]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"\b(Math|MathF)\.Round\(")]
    private static partial Regex BareRound();
}
