using System;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Where results go and what machine made them.</summary>
internal static class Machine
{
    private const string Tables = "accuracy";

    /// <summary>The processor's name, its frequency left out, with family and model: names of sold processors do not tell generations apart.</summary>
    public static string Processor { get; } = ReadProcessor();

    /// <summary>One line about machine and runtime, for the head of a result.</summary>
    public static string Description
        => FormattableString.Invariant($"{Processor}, {Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription.Split(' ')[0]}, {RuntimeInformation.FrameworkDescription}, kernel set {Kernels.KernelRegistry.Active.Name}");

    /// <summary>The folder test/Benchmarks of the checkout.</summary>
    public static string Folder() => Path.GetDirectoryName(Here())!;

    /// <summary>The folder of this processor's results, or one in it.</summary>
    public static string ResultFolder(string name) => Path.Combine(Folder(), "results", Slug(Processor), name);

    /// <summary>The folder of accuracies, which are the same bits on every processor, or one in it.</summary>
    public static string TableFolder(string name) => Path.Combine(Folder(), "results", Tables, name);

    /// <summary>Writes a result file for this processor.</summary>
    public static void WriteResult(string name, string text) => Write(ResultFolder(name), text);

    /// <summary>Writes a table of accuracies.</summary>
    public static void WriteTable(string name, string text) => Write(TableFolder(name), text);

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        Console.WriteLine($"written: {Path.GetRelativePath(Folder(), path)}");
    }

    private static string Here([CallerFilePath] string path = "") => path;

    private static string Slug(string text)
    {
        var slug = new StringBuilder();
        foreach (char c in text.ToLowerInvariant())
        {
            slug.Append(char.IsAsciiLetterOrDigit(c) ? c : '-');
        }

        return slug.ToString().Trim('-');
    }

    private static string ReadProcessor()
    {
        const string Info = "/proc/cpuinfo";
        string? line = File.Exists(Info) ? File.ReadLines(Info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        string name = line?.Split(':')[^1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
        string[] identity = ProcessorIdentity.Current.Split('-', 2);
        name += identity.Length > 1 && line is not null ? " " + identity[1] : string.Empty;
        string vnni = Kernels.KernelRegistry.Available.Any(k => k.Name == "avx512vnni") ? " avx512vnni" : string.Empty;
        return name + vnni;
    }
}
