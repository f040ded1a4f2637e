using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text.Json;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Programs that print one line of JSON: the peers' scripts, and this program itself.</summary>
internal static class PeerProcess
{
    /// <summary>Runs a script of the folder peers with node.</summary>
    public static JsonElement Node(string script, params IEnumerable<string> arguments)
        => Start("node", Path.Combine(Machine.Folder(), "peers"), [], [script, .. arguments]);

    /// <summary>Runs a command of this program in a process of its own.</summary>
    public static JsonElement Own(string command, params IEnumerable<string> arguments)
        => Start(Environment.ProcessPath!, Environment.CurrentDirectory, Own(), [.. Host(), command, .. arguments]);

    // The program measures hot kernels and compiles all of its code at once; a user's program starts with quick code, and so does a child that is measured as a whole.
    private static Dictionary<string, string> Own() => new(StringComparer.Ordinal) { ["DOTNET_TC_QuickJit"] = "1" };

    private static string[] Host()
        => Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.OrdinalIgnoreCase) ? [typeof(PeerProcess).Assembly.Location] : [];

    private static JsonElement Start(string program, string folder, Dictionary<string, string> environment, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, WorkingDirectory = folder };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        string line = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonDocument.Parse(line.Trim()).RootElement : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
