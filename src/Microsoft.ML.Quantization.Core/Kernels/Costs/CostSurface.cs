using System;
using System.Collections.Generic;
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

    private readonly double[] _places;
    private readonly double[] _logCosts;

    /// <summary>The surface through some of the measurements of a list.</summary>
    public CostSurface(IReadOnlyList<ThroughputEntry> entries, IReadOnlyList<int> indices)
    {
        _places = new double[indices.Count * _scales.Length];
        _logCosts = new double[indices.Count];
        for (int i = 0; i < indices.Count; i++)
        {
            ThroughputEntry entry = entries[indices[i]];
            Place(entry.Work, _places.AsSpan(i * _scales.Length, _scales.Length));
            _logCosts[i] = FloatMath.Log((float)(entry.Nanoseconds / entry.Work.Units));
        }
    }

    /// <summary>Expected nanoseconds a unit.</summary>
    public double NanosecondsPerUnit(in KernelWork work)
    {
        Span<double> distances = stackalloc double[Neighbours], costs = stackalloc double[Neighbours];
        Span<double> place = stackalloc double[_scales.Length];
        Place(work, place);
        int found = Nearest(place, distances, costs);
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
    private int Nearest(ReadOnlySpan<double> place, Span<double> distances, Span<double> costs)
    {
        int found = 0;
        for (int point = 0; point < _logCosts.Length; point++)
        {
            double cost = _logCosts[point];
            double distance = Distance(_places.AsSpan(point * place.Length, place.Length), place);
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

    private static void Place(in KernelWork work, Span<double> place)
    {
        ReadOnlySpan<int> sizes = [work.Channels, work.Outputs, work.Groups, work.Pixels, work.Taps, work.Stride, work.Width];
        for (int i = 0; i < place.Length; i++)
        {
            place[i] = FloatMath.Log(Math.Max(sizes[i], 1)) / _octave;
        }

        place[Pixels] = Math.Min(place[Pixels], FewPixels) + (Math.Max(place[Pixels] - FewPixels, 0) * ManyPixels);
        for (int i = 0; i < place.Length; i++)
        {
            place[i] *= _scales[i];
        }
    }

    // The square.
    private static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }

        return sum;
    }
}
