using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>The native build's folder and the command line tools that look into it.</summary>
internal static class NativeTools
{
    /// <summary>The folder above this test that holds the solution; inconclusive outside a checkout.</summary>
    public static string Repository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Microsoft.ML.Quantization.sln")))
            {
                return folder.FullName;
            }
        }

        throw new AssertInconclusiveException("The tests do not run inside a checkout.");
    }

    /// <summary>A file of the native build for a system; inconclusive where it was not built.</summary>
    public static string Built(string system, string file)
    {
        string path = Path.Combine(Repository(), "artifacts", "native", system, file);
        return File.Exists(path) || Directory.Exists(path) ? path : throw new AssertInconclusiveException($"{file} was not built for {system}.");
    }

    /// <summary>A tool of the search path; inconclusive where it is missing.</summary>
    public static string Tool(string name)
    {
        string? found = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
        return found ?? throw new AssertInconclusiveException($"The tool {name} is not installed.");
    }

    /// <summary>Runs a tool to its end and returns its output.</summary>
    public static (int ExitCode, string Output) Run(string tool, params string[] arguments)
    {
        using Process process = new();
        process.StartInfo = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true };
        process.Start();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
