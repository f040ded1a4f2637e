using System;
using System.IO;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Where the tests' files lie in the source tree.</summary>
internal static class TestFiles
{
    public static string Models(string name) => Path.Combine(Root(), "data", "models", name);

    public static string Light(string name) => Path.Combine(Root(), "data", "onnx-light", name);

    public static string Own(string name) => Path.Combine(Here(), "Data", name);

    public static string Source(string path) => Path.Combine(Root(), "..", "src", path);

    private static string Root() => Path.GetFullPath(Path.Combine(Here(), ".."));

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file) ?? throw new InvalidOperationException();
}
