using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What quantizers are set from.</summary>
internal static class Samples
{
    private const int Most = 65536;

    /// <summary>Fewer than twice 65536 of the finite values, evenly taken, ascending.</summary>
    public static float[] Sorted(ReadOnlySpan<float> values)
    {
        int stride = Math.Max(1, values.Length / Most);
        var taken = new float[(values.Length + stride - 1) / stride];
        int count = 0;
        for (int i = 0; i < values.Length; i += stride)
        {
            taken[count] = values[i];
            count += float.IsFinite(values[i]) ? 1 : 0;
        }

        Array.Resize(ref taken, count);
        Array.Sort(taken);
        return taken;
    }

    /// <summary>The value below which a share of sorted values lies; 0 for none.</summary>
    public static float Quantile(ReadOnlySpan<float> sorted, double share) => sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, share * sorted.Length)];
}
