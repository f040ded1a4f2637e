using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>
/// Nanoseconds a unit of one operation on one set, as a function of sizes: the weighted geometric mean of the nearest measurements. Distances are between logarithms of sizes; a
/// neighbour at distance d weighs 1 / (d² + ε)².
/// </summary>
internal sealed class CostSurface
{
    private const int Neighbours = 6;
    private const double Softness = 0.02;

    private const int Pixels = 3;
    private const double FewPixels = 6;
    private const double ManyPixels = 0.25;

    // Octaves of channels, outputs, groups, pixels, taps, stride and width count this much; those of pixels beyond 64 a quarter, since weights have been read by then.
    private static readonly double[] _scales = [1.2, 1, 1, 1, 1.5, 1, 0.3];

    private static readonly float _octave = FloatMath.Log(2);

    private readonly (double[] Place, double LogCost)[] _points;

    public CostSurface(IEnumerable<ThroughputEntry> entries)
        => _points = [.. entries.Select(e => (Place(e.Work), (double)FloatMath.Log((float)(e.Nanoseconds / e.Work.Units))))];

    /// <summary>Expected nanoseconds a unit.</summary>
    public double NanosecondsPerUnit(in KernelWork work)
    {
        Span<double> distances = stackalloc double[Neighbours], costs = stackalloc double[Neighbours];
        int found = Nearest(Place(work), distances, costs);
        double sum = 0;
        double weights = 0;
        for (int i = 0; i < found; i++)
        {
            double weight = 1 / ((distances[i] + Softness) * (distances[i] + Softness));
            sum += weight * costs[i];
            weights += weight;
        }

        return FloatMath.Exp((float)(sum / weights));
    }

    /// <summary>The nearest measurements, the first ones where several are as near; how many there are.</summary>
    private int Nearest(double[] place, Span<double> distances, Span<double> costs)
    {
        int found = 0;
        foreach ((double[] other, double cost) in _points)
        {
            double distance = Distance(other, place);
            int at = found;
            while (at > 0 && distance < distances[at - 1])
            {
                at--;
            }

            if (at < Neighbours)
            {
                found = Math.Min(found + 1, Neighbours);
                distances[at..(found - 1)].CopyTo(distances[(at + 1)..]);
                costs[at..(found - 1)].CopyTo(costs[(at + 1)..]);
                (distances[at], costs[at]) = (distance, cost);
            }
        }

        return found;
    }

    private static double[] Place(in KernelWork work)
    {
        double[] place = [.. work.Sizes.Select(s => (double)(FloatMath.Log(Math.Max(s, 1)) / _octave))];
        place[Pixels] = Math.Min(place[Pixels], FewPixels) + (Math.Max(place[Pixels] - FewPixels, 0) * ManyPixels);
        for (int i = 0; i < place.Length; i++)
        {
            place[i] *= _scales[i];
        }

        return place;
    }

    // The square.
    private static double Distance(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }

        return sum;
    }
}
