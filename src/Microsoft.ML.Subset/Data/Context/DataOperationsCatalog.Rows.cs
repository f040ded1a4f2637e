using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

public sealed partial class DataOperationsCatalog
{
    // Splits without a seed are the same every time.
    private const int DefaultSplitSeed = 42;

    public IDataView TakeRows(IDataView input, long count)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new RangeDataView(input, 0, count);
    }

    public IDataView SkipRows(IDataView input, long count)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new RangeDataView(input, count, long.MaxValue);
    }

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shufflePoolSize);
        return new ShuffledDataView(input, seed ?? _env.Register(nameof(ShuffleRows)).Rand.Next(), shufflePoolSize, shuffleSource);
    }

    public IDataView FilterRowsByColumn(
        IDataView input, string columnName, double lowerBound = double.NegativeInfinity, double upperBound = double.PositiveInfinity)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!(lowerBound <= upperBound))
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(nameof(lowerBound), "The lower bound must not lie above the upper bound."));
        }

        DataViewSchema.Column column = input.Schema.GetColumnOrNull(columnName) ?? throw Errors.MissingColumn("inputSchema", "source", columnName);
        if (column.Type is not NumberDataViewType || !ItemConversion.Exists(column.Type, NumberDataViewType.Double))
        {
            throw Errors.Mismatch("inputSchema", "source", columnName, "Single or Double", column.Type.ToString());
        }

        return new FilteredDataView(input, [column], row =>
        {
            var getter = (ValueGetter<double>)TypedCall.Invoke(
                typeof(ItemConversion), nameof(ItemConversion.MakeGetter), [column.Type.RawType, typeof(double)], row, column);
            double value = 0;
            return () =>
            {
                getter(ref value);
                return value >= lowerBound && value < upperBound;
            };
        });
    }

    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(testFraction > 0 && testFraction < 1))
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(nameof(testFraction), testFraction, "Must be between 0 and 1 exclusive"));
        }

        var sampler = new RowSampler(data, samplingKeyColumnName, seed ?? _env.Seed ?? DefaultSplitSeed);
        return new TrainTestData(sampler.Part(0, testFraction, complement: true), sampler.Part(0, testFraction));
    }

    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (numberOfFolds < 2)
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(nameof(numberOfFolds), "numberOfFolds must be greater than 1"));
        }

        var sampler = new RowSampler(data, samplingKeyColumnName, seed ?? _env.Seed ?? DefaultSplitSeed);
        double width = 1.0 / numberOfFolds;
        return Enumerable.Range(0, numberOfFolds).Select(fold =>
        {
            double lower = fold * width, upper = fold == numberOfFolds - 1 ? double.PositiveInfinity : (fold + 1) * width;
            return new TrainTestData(sampler.Part(lower, upper, complement: true), sampler.Part(lower, upper));
        }).ToArray();
    }

    /// <summary>The two parts of a split.</summary>
    public readonly struct TrainTestData
    {
        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }

        public IDataView TrainSet { get; }

        public IDataView TestSet { get; }
    }
}
