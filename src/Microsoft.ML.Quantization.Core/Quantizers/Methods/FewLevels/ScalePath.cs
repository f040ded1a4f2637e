using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>The way back through α = mean|w| of ŵ = α·sgn(w) with signs held: dw += sgn(w)/n · Σ g·sgn(w) over the n weights of a channel, sgn(0) = 1.</summary>
internal static class ScalePath
{
    /// <summary>Σ g·sgn(w) of a share.</summary>
    public static double Sum(ReadOnlySpan<float> w, ReadOnlySpan<float> g) => LaneMap.Sum(default(SignedProduct), w, g);

    /// <summary>Adds the path to the gradients of all channels, channel after channel.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="dx">Their gradients by the codes.</param>
    /// <param name="totals">The sums of the channels.</param>
    public static void Add(ReadOnlySpan<float> w, Span<float> dx, ReadOnlySpan<double> totals)
    {
        int length = dx.Length / totals.Length;
        for (int i = 0; i < dx.Length; i++)
        {
            var share = (float)(totals[i / length] / length);
            dx[i] += w[i] >= 0 ? share : -share;
        }
    }

    private readonly struct SignedProduct : ILaneFunction2
    {
        public T Of<T>(T w, T g)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(w, T.Create(0)), T.Create(0) - g, g);
    }
}
