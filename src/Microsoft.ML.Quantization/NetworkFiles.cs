using System.Reflection;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Onnx;

namespace Microsoft.ML.Quantization;

/// <summary>Reads the networks that estimators start from.</summary>
internal static class NetworkFiles
{
    /// <summary>This library's name and version, as models record it.</summary>
    public static string Producer { get; } = "Microsoft.ML.Quantization " + (typeof(NetworkFiles).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()?.Version ?? "0");

    /// <summary>An ONNX file as a graph.</summary>
    public static Graph ReadFloat(string path) => OnnxModel.Load(path).Graph;
}
