using System;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>SHA-256 hashes, lower-case hexadecimal, of what statistics belong to.</summary>
internal static class CalibrationFingerprints
{
    /// <summary>Characters of a fingerprint.</summary>
    public const int Length = 64;

    /// <summary>Structure and weights of a network.</summary>
    public static string OfModel(Graph graph) => Hash(ModelWriter.ToBytes(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata())));

    /// <summary>Every option that changes what is collected; limits and the first row's index do not.</summary>
    public static string OfOptions(CalibrationOptions options)
    {
        string average = options.MovingAverage is double c ? c.ToString("R", CultureInfo.InvariantCulture) : "none";
        string values = string.Join("\n", options.Values.Order(StringComparer.Ordinal));
        return Hash(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"bins={options.BinCount} average={average} nonfinite={options.NonFiniteRows}\n{values}")));
    }

    public static string Hash(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(SHA256.HashData(data));
}
