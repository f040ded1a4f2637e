using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Which level each weight has, as numbers to compare.</summary>
internal static class LevelCodes
{
    private const int PlaneStep = 1 << 9;

    /// <summary>One number an element; equal numbers are equal codes in every plane.</summary>
    /// <param name="method">The method of weights.</param>
    /// <param name="call">Weights and parameters.</param>
    public static long[] Of(QuantizationMethod method, MethodCall call)
    {
        var result = new long[call.X.Shape.Count];
        foreach (WeightPlane plane in ((HardForm.Weights)method.Export(call)).Planes)
        {
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = (result[i] * PlaneStep) + CodeAccess.Read(plane.Codes, i);
            }
        }

        return result;
    }

    /// <summary>Share of elements that differ.</summary>
    public static double Changed(ReadOnlySpan<long> before, ReadOnlySpan<long> after)
    {
        int changed = 0;
        for (int i = 0; i < after.Length; i++)
        {
            changed += before[i] != after[i] ? 1 : 0;
        }

        return changed / (double)Math.Max(1, after.Length);
    }
}
