using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Which level each weight has, as numbers to compare.</summary>
internal static class LevelCodes
{
    // Odd, so that no plane is ever shifted out; its bits are spread, so that codes of a few values do not cancel over the planes.
    private const long PlaneStep = unchecked((long)0x9E3779B97F4A7C15UL);

    /// <summary>One number an element; equal codes in every plane give equal numbers, others almost surely different ones.</summary>
    /// <param name="method">The method of weights.</param>
    /// <param name="call">Weights and parameters.</param>
    public static long[] Of(QuantizationMethod method, MethodCall call)
    {
        var result = new long[call.X.Shape.Count];
        foreach (WeightPlane plane in ((HardForm.Weights)method.Export(call)).Planes)
        {
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = unchecked(result[i] * PlaneStep) + CodeAccess.Read(plane.Codes, i);
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
