using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>The body of the statistics file. Bins are stored from the first to the last that is not empty; the exponent follows from the extremes.</summary>
internal static class StatisticsCodec
{
    private const int ShortestValue = 4 + 8 + 4 + (5 * 8) + (2 * 4) + 4 + 4 + 4;

    public static byte[] Write(CalibrationResult result)
    {
        var writer = new FieldWriter();
        writer.Text(result.ModelFingerprint);
        writer.Text(result.OptionsFingerprint);
        writer.Long(result.Rows);
        writer.Long(result.Skipped.Count);
        writer.Int(result.Skipped.Rows.Length);
        foreach (long row in result.Skipped.Rows)
        {
            writer.Long(row);
        }

        writer.Int(result.Values.Count);
        foreach ((string name, ValueStatistics statistics) in result.Values)
        {
            writer.Text(name);
            writer.Long(statistics.Rows);
            Write(writer, statistics.Histogram);
            Write(writer, statistics.Average);
        }

        return writer.ToArray();
    }

    public static CalibrationResult Read(ReadOnlySpan<byte> body)
    {
        var reader = new FieldReader(body, "body", "Statistics file");
        string model = Fingerprint(ref reader, "model");
        string options = Fingerprint(ref reader, "options");
        long rows = NotNegative(ref reader, "rows");
        long skipped = NotNegative(ref reader, "skipped rows");
        var listed = new long[reader.Within("listed rows", 0, SkippedRows.MaximumListed)];
        for (int i = 0; i < listed.Length; i++)
        {
            listed[i] = NotNegative(ref reader, "skipped row");
        }

        var values = new SortedDictionary<string, ValueStatistics>(StringComparer.Ordinal);
        int count = reader.Count("values", ShortestValue);
        for (int i = 0; i < count; i++)
        {
            string name = reader.Text("name");
            var statistics = new ValueStatistics(NotNegative(ref reader, "rows of a value"), ReadHistogram(ref reader), ReadAverage(ref reader));
            if (!values.TryAdd(name, statistics))
            {
                throw reader.Error("name", "each name once", $"'{name}' again");
            }
        }

        reader.End();
        return new CalibrationResult
        {
            ModelFingerprint = model,
            OptionsFingerprint = options,
            Rows = rows,
            Skipped = new SkippedRows(skipped, ImmutableArray.Create(listed)),
            Values = values.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
    }

    private static void Write(FieldWriter writer, Histogram histogram)
    {
        writer.Int(histogram.BinCount);
        writer.Long(histogram.Count);
        writer.Long(histogram.ZeroCount);
        writer.Long(histogram.NanCount);
        writer.Long(histogram.PositiveInfinityCount);
        writer.Long(histogram.NegativeInfinityCount);
        writer.Float(histogram.Minimum);
        writer.Float(histogram.Maximum);
        int first = Math.Max(histogram.Bins.IndexOfAnyExcept(0), 0);
        ReadOnlySpan<long> used = histogram.Bins[first..(histogram.Bins.LastIndexOfAnyExcept(0) + 1)];
        writer.Int(first);
        writer.Int(used.Length);
        foreach (long n in used)
        {
            writer.Long(n);
        }
    }

    private static void Write(FieldWriter writer, MovingAverage? average)
    {
        writer.Int(average is null ? 0 : 1);
        if (average is not null)
        {
            writer.Long(average.Batches);
            writer.Long(BitConverter.DoubleToInt64Bits(average.Coefficient));
            writer.Long(BitConverter.DoubleToInt64Bits(average.Low));
            writer.Long(BitConverter.DoubleToInt64Bits(average.High));
        }
    }

    private static Histogram ReadHistogram(ref FieldReader reader)
    {
        int binCount = reader.Within("bins", Histogram.MinimumBinCount, Histogram.MaximumBinCount);
        var counters = new HistogramCounters(
            NotNegative(ref reader, "count"),
            NotNegative(ref reader, "zeros"),
            NotNegative(ref reader, "NaN"),
            NotNegative(ref reader, "positive infinities"),
            NotNegative(ref reader, "negative infinities"),
            reader.Float("minimum"),
            reader.Float("maximum"));
        int first = reader.Within("first bin", 0, binCount - 1);
        var bins = new long[reader.Within("used bins", 0, binCount - first)];
        for (int i = 0; i < bins.Length; i++)
        {
            bins[i] = NotNegative(ref reader, "bin");
        }

        Check(in reader, binCount, counters, bins);
        return Histogram.Restore(binCount, counters, first, bins);
    }

    private static void Check(in FieldReader reader, int binCount, HistogramCounters c, long[] bins)
    {
        bool finite = float.IsFinite(c.Minimum) && float.IsFinite(c.Maximum) && c.Minimum <= c.Maximum;
        bool emptyOnlyWhenZero = (c.Minimum != 0 || c.Maximum != 0) == bins.Any(n => n > 0);
        bool power = System.Numerics.BitOperations.IsPow2(binCount);
        System.Int128 total = bins.Aggregate((System.Int128)c.Zero, (sum, n) => sum + n);
        if (!finite || !emptyOnlyWhenZero || !power || total != c.Count)
        {
            throw reader.Error(
                "histogram",
                "a power of two of bins, finite extremes in order and counts that add up",
                string.Create(CultureInfo.InvariantCulture, $"{binCount} bins, [{c.Minimum:R}, {c.Maximum:R}], {total} of {c.Count} values"));
        }
    }

    private static MovingAverage? ReadAverage(ref FieldReader reader)
    {
        if (reader.Within("moving average", 0, 1) == 0)
        {
            return null;
        }

        long batches = NotNegative(ref reader, "batches");
        var average = new MovingAverage(Double(ref reader, "coefficient"), batches, Double(ref reader, "low"), Double(ref reader, "high"));
        return average.Coefficient is >= 0 and <= 1 && average.Low <= average.High
            ? average
            : throw reader.Error("moving average", "a coefficient from 0 to 1 and extremes in order", average.ToString());
    }

    private static double Double(ref FieldReader reader, string field)
    {
        double value = BitConverter.Int64BitsToDouble(reader.Long(field));
        return double.IsFinite(value) ? value : throw reader.Error(field, "a finite number", value.ToString(CultureInfo.InvariantCulture));
    }

    private static long NotNegative(ref FieldReader reader, string field)
    {
        long value = reader.Long(field);
        return value >= 0 ? value : throw reader.Error(field, "0 or more", value.ToString(CultureInfo.InvariantCulture));
    }

    private static string Fingerprint(ref FieldReader reader, string field)
    {
        string text = reader.Text(field);
        return text.Length == CalibrationFingerprints.Length ? text : throw reader.Error(field, "64 characters", $"{text.Length}");
    }
}
