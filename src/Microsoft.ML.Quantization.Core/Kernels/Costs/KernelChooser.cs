using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>A chosen set.</summary>
/// <param name="Set">The set.</param>
/// <param name="Why">Forced, measured or modelled, with the time expected of one row on one thread.</param>
internal readonly record struct Choice(KernelSet Set, string Why);

/// <summary>Work on a set that reads so many bytes of weights.</summary>
/// <param name="Set">The set.</param>
/// <param name="Work">The work.</param>
/// <param name="WeightBytes">Bytes of weights.</param>
internal readonly record struct WeightedWork(KernelSet Set, KernelWork Work, long WeightBytes);

/// <summary>Which set does a step: the one that was forced, or the one expected to be fastest. The choice never changes a bit.</summary>
internal sealed class KernelChooser
{
    // A set other than the best must be expected to be faster by this factor: tables have noise.
    private const double Margin = 0.93;

    // And save this much: shorter steps are not worth another set's code.
    private const double LeastSaving = 1000;

    private readonly IReadOnlyList<KernelSet> _sets;
    private readonly ThroughputTable _table;
    private readonly string _why;

    private KernelChooser(IReadOnlyList<KernelSet> sets, ThroughputTable table, string why)
    {
        _sets = sets;
        _table = table;
        _why = why;
    }

    /// <summary>The set for whatever nothing is known about.</summary>
    public KernelSet Default => _sets[0];

    /// <summary>All of this machine's sets, by the throughput table of its processor.</summary>
    public static KernelChooser Automatic => new(KernelRegistry.Available, ThroughputTable.Current, "the only one");

    /// <summary>One set, whatever it costs.</summary>
    public static KernelChooser Only(KernelSet set) => new([set], ThroughputTable.Current, "forced");

    /// <summary>All sets of a list by a given table; the first is the default.</summary>
    public static KernelChooser By(IReadOnlyList<KernelSet> sets, ThroughputTable table) => new(sets, table, "the only one");

    /// <summary>Whether one way to do a layer is expected to take less than a part of the time of another in a model with so many bytes of weights. A model and a measurement do not compare.</summary>
    public bool IsFaster(in WeightedWork one, in WeightedWork other, long modelBytes, double part)
    {
        bool measured = _table.IsMeasured(one.Set.Name, one.Work) && _table.IsMeasured(other.Set.Name, other.Work);
        return Nanoseconds(one, modelBytes, measured) < Nanoseconds(other, modelBytes, measured) * part;
    }

    /// <summary>The set for some work, and why: forced, measured or modelled.</summary>
    public Choice Choose(in KernelWork work)
    {
        if (_sets.Count == 1)
        {
            return new Choice(Default, _why);
        }

        bool measured = _table.IsMeasured(Default.Name, work);
        KernelSet best = Default;
        double usual = _table.Nanoseconds(best.Name, work);
        double least = Math.Min(usual * Margin, usual - LeastSaving);
        foreach (KernelSet set in _sets.Skip(1))
        {
            // A model and a measurement do not compare.
            if (_table.IsMeasured(set.Name, work) == measured && _table.Nanoseconds(set.Name, work) is var time && time < least)
            {
                (best, least) = (set, time);
            }
        }

        double expected = _table.Nanoseconds(best.Name, work) / 1000;
        return new Choice(best, string.Create(CultureInfo.InvariantCulture, $"{(measured ? "measured" : "modelled")}, {expected:0.###} µs"));
    }

    private double Nanoseconds(in WeightedWork work, long modelBytes, bool measured)
        => (measured ? _table : ThroughputTable.Empty).Nanoseconds(work.Set.Name, work.Work) + _table.WeightNanoseconds(work.WeightBytes, modelBytes, work.Work.Operation == KernelOperation.DenseNarrow);
}
