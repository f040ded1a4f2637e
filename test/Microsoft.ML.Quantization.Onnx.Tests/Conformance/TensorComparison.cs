using System;
using System.Globalization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Tests.Conformance;

/// <summary>Floats within |a − b| ≤ 1e-5 + 1e-3 · |a|, everything else exactly.</summary>
internal static class TensorComparison
{
    private const double Relative = 1e-3;
    private const double Absolute = 1e-5;

    /// <summary>The first difference, or null.</summary>
    public static string? Difference(Tensor expected, Tensor found)
    {
        if (expected.Type != found.Type || !expected.Shape.Equals(found.Shape))
        {
            return $"expected {expected}, found {found}";
        }

        if (expected.Type != ElementType.Float32)
        {
            return expected.Bytes.Span.SequenceEqual(found.Bytes.Span) ? null : $"other values of {expected}: expected {Convert.ToHexString(expected.Bytes.Span)[..Math.Min(80, expected.Bytes.Length * 2)]}, found {Convert.ToHexString(found.Bytes.Span)[..Math.Min(80, expected.Bytes.Length * 2)]}";
        }

        ReadOnlySpan<float> a = expected.Values<float>();
        ReadOnlySpan<float> b = found.Values<float>();
        for (int i = 0; i < a.Length; i++)
        {
            if (!Close(a[i], b[i]))
            {
                return string.Create(CultureInfo.InvariantCulture, $"element {i} of {expected}: expected {a[i]:R}, found {b[i]:R}");
            }
        }

        return null;
    }

    private static bool Close(float a, float b)
        => a.Equals(b) || a == b || (float.IsFinite(a) && float.IsFinite(b) && Math.Abs((double)a - b) <= Absolute + (Relative * Math.Abs((double)a)));
}
