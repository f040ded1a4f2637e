using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// What a list of levels is in codes: an even grid (the index is the code), multiples of one step within 8 bits (a table gives the codes), or sums of scaled bits (one table a bit):
/// subset sums of a basis, few levels but 0, or a bit for each of few steps; what is left below the lowest level is one bit more, always set.
/// Levels count as equal up to a relative error of 1e-6, a few roundings of float32, and up to two roundings of the largest level.
/// </summary>
internal sealed class StaircaseLevels
{
    private const double Tolerance = 1e-6;
    private const double Rounding32 = 2.5e-7;
    private const int Largest = 127;
    private const int MostMidRise = 127;
    private const int MostSums = 16;
    private const int MostSingles = 2;
    private const int MostSteps = 5;
    private readonly float[] _levels;
    private readonly double _bound;

    public StaircaseLevels(float[] levels)
    {
        _levels = levels;
        _bound = levels.Max(Math.Abs);
        Grid = FindMidRise() ?? FindAffine();
        Multiples = Grid is null ? FindMultiples() : null;
        IsAscending = levels.Zip(levels.Skip(1)).All(p => p.First <= p.Second);
        Bits = Grid is null && Multiples is null ? FindBits() ?? FindSingles() ?? FindSteps() : null;
    }

    /// <summary>Whether there are codes for the levels.</summary>
    public bool HasCodes => Grid is not null || Multiples is not null || Bits is not null;

    /// <summary>Whether a larger index is no smaller level.</summary>
    public bool IsAscending { get; }

    /// <summary>The quantizer whose code is the index; null when levels are not evenly spaced around 0 as one has it.</summary>
    public AffineQuantization? Grid { get; }

    /// <summary>A signed quantizer and the code of each index; null where there is none.</summary>
    public (AffineQuantization Quantizer, int[] Codes)? Multiples { get; }

    /// <summary>Quantizers of one bit each and, for every index, the bits: level = Σ over them of their reals; null where there are none.</summary>
    public ImmutableArray<(AffineQuantization Quantizer, int[] Codes)>? Bits { get; }

    /// <summary>Codes that are indices and nothing more.</summary>
    public AffineQuantization Index => Unsigned(_levels.Length - 1, 1, 0);

    /// <summary>The staircase without steps that go nowhere; one step is always left.</summary>
    public static (float[] Thresholds, float[] Levels) Merge(float[] thresholds, float[] levels)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        ArgumentNullException.ThrowIfNull(levels);
        double least = Rounding32 * levels.Max(Math.Abs);
        int[] steps = [.. Enumerable.Range(0, thresholds.Length).Where(i => Math.Abs((double)levels[i + 1] - levels[i]) > least)];
        return steps.Length == 0 ? (thresholds[..1], levels[..2]) : ([.. steps.Select(i => thresholds[i])], [levels[0], .. steps.Select(i => levels[i + 1])]);
    }

    private static AffineQuantization Unsigned(int top, float scale, int zero)
    {
        var code = new CodeType(new BitWidth(BitsOf(top)), Signed: false);
        return AffineQuantization.PerTensor(code, new IntegerRange(0, top), new AffineParameters(scale, zero));
    }

    private static AffineQuantization Signed(int bits, float scale)
        => AffineQuantization.PerTensor(new CodeType(new BitWidth(bits), Signed: true), IntegerRange.SignedNarrow(bits), new AffineParameters(scale, 0));

    private static int BitsOf(int top) => 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)top);

    private static bool IsScale(double scale) => scale is > 1.2e-38 and < 3e38;

    private bool Same(double a, double b) => Math.Abs(a - b) <= Tolerance * Math.Max(Math.Abs(a), Math.Abs(b)) || Math.Abs(a - b) <= Rounding32 * _bound;

    private AffineQuantization? FindMidRise()
    {
        int top = _levels.Length - 1;
        double scale = (double)_levels[top] / top;
        bool power = System.Numerics.BitOperations.IsPow2(_levels.Length) && top <= MostMidRise;
        if (!power || !IsScale(scale) || !_levels.Select((level, i) => Same(level, ((2 * i) - top) * scale)).All(s => s))
        {
            return null;
        }

        var code = new CodeType(new BitWidth(BitsOf(top)), Signed: false, CodeSpace.MidRise);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters((float)scale, 0));
    }

    private AffineQuantization? FindAffine()
    {
        int top = _levels.Length - 1;
        double step = ((double)_levels[top] - _levels[0]) / top;
        int zero = IsScale(step) ? (int)Math.Clamp(Rounding.HalfToEven(-_levels[0] / step), -1, top + 1) : -1;
        if (zero < 0 || zero > top)
        {
            return null;
        }

        return _levels.Select((level, i) => Same(level, (i - zero) * step)).All(s => s) ? Unsigned(top, (float)step, zero) : null;
    }

    private (AffineQuantization Quantizer, int[] Codes)? FindMultiples()
    {
        if (_bound == 0)
        {
            return (Signed(2, 1), new int[_levels.Length]);
        }

        double smallest = _levels.Where(l => l != 0).Select(l => Math.Abs((double)l)).DefaultIfEmpty(0).Min();
        for (int divisor = 1; divisor <= Largest && _bound * divisor <= smallest * (Largest + 0.5); divisor++)
        {
            double step = smallest / divisor;
            int[] codes = [.. _levels.Select(l => (int)Rounding.HalfToEven(l / step))];
            if (IsScale(step) && _levels.Select((level, i) => Same(level, codes[i] * step)).All(s => s))
            {
                return (Signed(BitsOf(codes.Max(Math.Abs)) + 1, (float)step), codes);
            }
        }

        return null;
    }

    /// <summary>2^k ascending levels as lowest level + subset sums: the smallest level that no sum of earlier bits explains is the next bit.</summary>
    private ImmutableArray<(AffineQuantization Quantizer, int[] Codes)>? FindBits()
    {
        double[] rest = [.. _levels.Select(l => (double)l - _levels[0])];
        var basis = new List<double>();
        var sums = new List<(double Sum, int Pattern)> { (0, 0) };
        while (sums.Count < rest.Length && rest.Length <= MostSums && System.Numerics.BitOperations.IsPow2(rest.Length))
        {
            double next = rest[Unexplained(rest, sums)];
            sums.AddRange(sums.Select(s => (s.Sum + next, s.Pattern | (1 << basis.Count))).ToArray());
            basis.Add(next);
        }

        (double Sum, int Pattern)[] ordered = [.. sums.OrderBy(s => s.Sum)];
        bool explained = ordered.Length == rest.Length && ordered.Select((s, i) => Same(s.Sum, rest[i])).All(s => s) && basis.TrueForAll(IsScale);
        return explained ? Sum([.. basis], k => [.. ordered.Select(s => (s.Pattern >> k) & 1)]) : null;
    }

    /// <summary>A bit for each step up.</summary>
    private ImmutableArray<(AffineQuantization Quantizer, int[] Codes)>? FindSteps()
    {
        double[] steps = [.. _levels.Zip(_levels.Skip(1)).Select(p => (double)p.Second - p.First)];
        return steps.Length <= MostSteps && steps.All(IsScale) ? Sum(steps, k => [.. Enumerable.Range(0, _levels.Length).Select(i => i > k ? 1 : 0)]) : null;
    }

    /// <summary>lowest level + Σ basis · bit: bits of ±1 where that takes the lowest level up, otherwise bits of 0 and 1, and one for the lowest level unless it is 0.</summary>
    private ImmutableArray<(AffineQuantization Quantizer, int[] Codes)> Sum(double[] basis, Func<int, int[]> bits)
    {
        bool middle = Same(-2 * (double)_levels[0], basis.Sum());
        IEnumerable<(AffineQuantization Quantizer, int[] Codes)> planes = basis.Select((b, k) => (OneBit(b, middle), bits(k)));
        return middle || Same(_levels[0], 0) ? [.. planes] : [.. planes, Constant(_levels[0])];
    }

    private (AffineQuantization Quantizer, int[] Codes) Constant(float level)
    {
        var code = new CodeType(new BitWidth(1), Signed: level < 0);
        return (AffineQuantization.PerTensor(code, code.Range, new AffineParameters(Math.Abs(level), 0)), [.. Enumerable.Repeat(level < 0 ? -1 : 1, _levels.Length)]);
    }

    /// <summary>Few levels but 0: each is a bit of its own.</summary>
    private ImmutableArray<(AffineQuantization Quantizer, int[] Codes)>? FindSingles()
    {
        int[] places = [.. Enumerable.Range(0, _levels.Length).Where(i => _levels[i] != 0)];
        return places.Length > MostSingles ? null : [.. places.Select(p => Single(p))];
    }

    private (AffineQuantization Quantizer, int[] Codes) Single(int place)
    {
        bool negative = _levels[place] < 0;
        var code = new CodeType(new BitWidth(1), Signed: negative);
        int[] codes = [.. Enumerable.Range(0, _levels.Length).Select(i => i != place ? 0 : negative ? -1 : 1)];
        return (AffineQuantization.PerTensor(code, code.Range, new AffineParameters(Math.Abs(_levels[place]), 0)), codes);
    }

    private int Unexplained(double[] rest, List<(double Sum, int Pattern)> sums)
    {
        double[] known = [.. sums.Select(s => s.Sum).Order()];
        int i = 0;
        while (i < known.Length && Same(known[i], rest[i]))
        {
            i++;
        }

        return Math.Min(i, rest.Length - 1);
    }

    private static AffineQuantization OneBit(double value, bool middle)
    {
        var code = new CodeType(new BitWidth(1), Signed: false, middle ? CodeSpace.MidRise : CodeSpace.Affine);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters((float)(middle ? value / 2 : value), 0));
    }
}
