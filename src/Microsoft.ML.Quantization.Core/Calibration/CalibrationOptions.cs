using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>What a calibration collects.</summary>
public sealed record CalibrationOptions
{
    /// <summary>Names of the values to observe; empty for every float value that is not a constant.</summary>
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>Bins of each histogram: a power of two from 8 to 65536.</summary>
    public int BinCount { get; init; } = Histogram.DefaultBinCount;

    /// <summary>The coefficient in (0, 1] of a moving average of the batches' extremes, 0 for their plain mean, null for none. With one, statistics cannot be merged.</summary>
    public double? MovingAverage { get; init; }

    /// <summary>What happens to rows with NaN or infinities.</summary>
    public NonFiniteRowPolicy NonFiniteRows { get; init; }

    /// <summary>The largest share of rows, 0 to 1, that may be skipped.</summary>
    public double MaximumSkippedShare { get; init; } = 0.01;

    /// <summary>The most bytes that all statistics together may take.</summary>
    public long MemoryLimit { get; init; } = 64L << 20;

    /// <summary>The index of the first row given, for shards of one data set; only messages and skipped-row lists use it.</summary>
    public long FirstRow { get; init; }

    /// <summary>The options that a range source needs.</summary>
    public static CalibrationOptions For(RangeSource source)
    {
        RangeSolver solver = RangeSolver.For(source);
        return new() { BinCount = solver.BinCount, MovingAverage = solver.Method == RangeMethod.MovingAverage ? source.Parameter : null };
    }

    /// <summary>Checks every option.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public CalibrationOptions Validate()
    {
        Histogram.CheckBinCount(BinCount);
        Require(MovingAverage is null or (>= 0 and <= 1), nameof(MovingAverage), "0 to 1", MovingAverage);
        Require(Enum.IsDefined(NonFiniteRows), nameof(NonFiniteRows), "a policy", NonFiniteRows);
        Require(MaximumSkippedShare is >= 0 and <= 1, nameof(MaximumSkippedShare), "0 to 1", MaximumSkippedShare);
        Require(MemoryLimit > 0, nameof(MemoryLimit), "a number of bytes above 0", MemoryLimit);
        Require(FirstRow >= 0, nameof(FirstRow), "a row index from 0", FirstRow);
        Require(!Values.IsDefault && Values.Distinct().Count() == Values.Length, nameof(Values), "names, each once", string.Join(", ", Values.IsDefault ? [] : Values));
        return this;
    }

    private static void Require(bool condition, string name, string expected, object? found)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{nameof(CalibrationOptions)}.{name}: expected {expected}, found {found}."));
        }
    }
}
