using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Core.Tests.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packaging;

/// <summary>The core is clean for trimming: a published program that keeps only what it reaches gives the same bytes.</summary>
[TestClass]
public sealed class TrimmedAppTests
{
    private const string Runtime = "linux-x64";

    [TestMethod]
    public void A_trimmed_program_gives_the_bytes_of_an_untrimmed_one()
    {
        if (Environment.GetEnvironmentVariable("MLQ_SLOW_TESTS") != "1")
        {
            Assert.Inconclusive("slow; run .ci/run --all");
        }

        if (RuntimeInformation.RuntimeIdentifier != Runtime && !(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64))
        {
            Assert.Inconclusive($"publishes for {Runtime} only");
        }

        string model = Path.Combine(AppContext.BaseDirectory, "data", "golden-1.0.mlq");
        string folder = Directory.CreateTempSubdirectory("mlq-trimmed-").FullName;
        try
        {
            string published = Path.Combine(folder, "app");
            string project = Path.Combine(NativeTools.Repository(), "test", "TrimmedApp", "TrimmedApp.csproj");
            (int code, string text) = Run("dotnet", "publish", project, "-c", "Release", "-r", Runtime, "--self-contained", "-p:PublishTrimmed=true", "-p:BuildNative=false", "-p:ArtifactsPath=" + Path.Combine(folder, "artifacts"), "-o", published, "-nologo");
            if (code != 0 && (text.Contains("NU1101", StringComparison.Ordinal) || text.Contains("NU1102", StringComparison.Ordinal)))
            {
                Assert.Inconclusive("the package feed lacks the runtime packs that publishing needs");
            }

            Assert.AreEqual(0, code, text);
            Assert.IsFalse(text.Contains("warning IL", StringComparison.Ordinal), text);
            (code, text) = Run(Path.Combine(published, "TrimmedApp"), model);
            Assert.AreEqual(0, code, text);
            Assert.AreEqual(Here(model), text.Trim());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Here(string path)
    {
        using QuantizedModel model = QuantizedModel.Load(path);
        float[] input = [.. Enumerable.Range(0, model.Signature.Inputs[0].Shape.FixedCount).Select(i => (i - 25) / 16f)];
        var output = new float[model.Signature.Outputs[0].Shape.FixedCount];
        model.Run(input, output);
        return string.Join(' ', output.Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8", System.Globalization.CultureInfo.InvariantCulture)));
    }

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };

        // What the running test host sets would reach the build.
        process.StartInfo.Environment.Remove("MSBUILD_EXE_PATH");
        process.StartInfo.Environment.Remove("MSBuildExtensionsPath");
        process.StartInfo.Environment.Remove("MSBuildSDKsPath");
        process.Start();
        System.Threading.Tasks.Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
