using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The statistics of a network's values, by name. Immutable. Results of shards merge into the result of all rows, byte for byte.</summary>
public sealed class CalibrationResult
{
    /// <summary>SHA-256 of the network that was run.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>SHA-256 of the options that change what is collected.</summary>
    public required string OptionsFingerprint { get; init; }

    /// <summary>Rows taken in.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows left out because they held NaN or an infinity.</summary>
    public required SkippedRows Skipped { get; init; }

    /// <summary>Statistics by value name.</summary>
    public required ImmutableSortedDictionary<string, ValueStatistics> Values { get; init; }

    /// <summary>SHA-256 of everything here, lower-case hexadecimal; equal for equal statistics, however the rows were cut.</summary>
    public string Fingerprint => CalibrationFingerprints.Hash(StatisticsFile.ToBytes(this));

    /// <summary>The statistics of one value.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnknownLayer"/>.</exception>
    public ValueStatistics this[string valueName] => Values.TryGetValue(valueName, out ValueStatistics? found)
        ? found
        : throw new QuantizationException(QuantizationErrorCode.UnknownLayer, $"Value '{valueName}': expected one that was calibrated ({Values.Count} were), found no statistics of it.");

    /// <summary>The result of all rows of all shards; the order of the shards does not matter.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.StatisticsMismatch"/>: other models or options, or a moving average. <see cref="QuantizationErrorCode.EmptyCalibrationData"/>: no shard.
    /// </exception>
    public static CalibrationResult Merge(IEnumerable<CalibrationResult> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        CalibrationResult? merged = null;
        foreach (CalibrationResult shard in shards)
        {
            merged = merged is null ? shard : merged.MergedWith(shard);
        }

        return merged ?? throw new QuantizationException(QuantizationErrorCode.EmptyCalibrationData, "Statistics to merge: expected at least one shard, found none.");
    }

    /// <summary>Reads a file written by <see cref="Save"/>.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.NotAModel"/>, <see cref="QuantizationErrorCode.TruncatedModel"/>, <see cref="QuantizationErrorCode.UnsupportedModelVersion"/>
    /// or <see cref="QuantizationErrorCode.CorruptModel"/> for a file that is not a whole statistics file.
    /// </exception>
    public static CalibrationResult Load(string path) => StatisticsFile.Read(File.ReadAllBytes(path));

    /// <summary>Writes a file: first a temporary one beside it, flushed, then renamed, so that a reader sees all or nothing.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.WriteFailed"/>; the target is untouched.</exception>
    public void Save(string path) => StatisticsFile.Write(this, path);

    /// <summary>The range of a value by a method.</summary>
    public RangeSolution Solve(string valueName, RangeSource source, RangeTarget target) => RangeSolver.For(source).Solve(this[valueName], target);

    /// <summary>The range of a site by a method; <see cref="ActivationSite.Quantizer"/> makes the quantizer of it.</summary>
    public RangeSolution Solve(ActivationSite site, RangeSource source)
    {
        ArgumentNullException.ThrowIfNull(site);
        return Solve(site.ValueName, source, new RangeTarget(site.Range, site.Symmetric));
    }

    /// <summary>Refuses statistics of another model or other options.</summary>
    internal void RequireMatch(string model, string options, string place)
    {
        Require(ModelFingerprint == model, place, "model", model, ModelFingerprint);
        Require(OptionsFingerprint == options, place, "options", options, OptionsFingerprint);
    }

    private static void Require(bool condition, string place, string what, string expected, string found)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.StatisticsMismatch, $"{place}: expected statistics of the {what} {expected[..16]}.., found {found[..16]}... Calibrate this {what} anew.");
        }
    }

    private CalibrationResult MergedWith(CalibrationResult other)
    {
        other.RequireMatch(ModelFingerprint, OptionsFingerprint, "Statistics to merge");
        Require(Values.Keys.SequenceEqual(other.Values.Keys), "Statistics to merge", "values", ModelFingerprint, other.ModelFingerprint);
        return new CalibrationResult
        {
            ModelFingerprint = ModelFingerprint,
            OptionsFingerprint = OptionsFingerprint,
            Rows = Rows + other.Rows,
            Skipped = Skipped.And(other.Skipped),
            Values = Values.ToImmutableSortedDictionary(v => v.Key, v => v.Value.MergedWith(other.Values[v.Key], v.Key), StringComparer.Ordinal),
        };
    }
}
