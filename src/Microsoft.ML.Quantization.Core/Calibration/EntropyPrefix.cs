using System;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// Prefix sums of counts H, of H·ln H and of occupied bins, so that one divergence costs as much as it has levels:
/// KL = (1/n) · (Σ P ln P − Σ over levels of mass · ln(mass / occupied)) + ln(kept mass / n).
/// </summary>
internal sealed class EntropyPrefix
{
    private readonly long[] _counts;
    private readonly long[] _mass;
    private readonly double[] _entropy;
    private readonly int[] _occupied;

    public EntropyPrefix(ReadOnlySpan<long> counts)
    {
        _counts = counts.ToArray();
        _mass = new long[counts.Length + 1];
        _entropy = new double[counts.Length + 1];
        _occupied = new int[counts.Length + 1];
        for (int i = 0; i < counts.Length; i++)
        {
            _mass[i + 1] = _mass[i] + counts[i];
            _entropy[i + 1] = _entropy[i] + TimesLog(counts[i]);
            _occupied[i + 1] = _occupied[i] + (counts[i] > 0 ? 1 : 0);
        }
    }

    /// <summary>KL(P ‖ Q) in nats for the first <paramref name="kept"/> bins and a number of levels; infinite when Q lacks what P has.</summary>
    public double Divergence(int kept, int levels)
    {
        long total = _mass[^1];
        long outliers = total - _mass[kept];
        long last = _counts[kept - 1];
        if (_mass[kept] == 0 || (outliers > 0 && last == 0))
        {
            return double.PositiveInfinity;
        }

        double sum = _entropy[kept - 1] + TimesLog(last + outliers);
        for (int level = 0; level < levels; level++)
        {
            int begin = (int)((long)level * kept / levels);
            int end = (int)((level + 1L) * kept / levels);
            long mass = _mass[end] - _mass[begin];
            if (mass > 0)
            {
                long share = mass + (level == levels - 1 ? outliers : 0);
                sum -= share * Math.Log(mass / (double)(_occupied[end] - _occupied[begin]));
            }
        }

        return (sum / total) + Math.Log(_mass[kept] / (double)total);
    }

    private static double TimesLog(long count) => count == 0 ? 0 : count * Math.Log(count);
}
