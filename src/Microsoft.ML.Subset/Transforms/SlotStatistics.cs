using System;
using System.Linq;
using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>Extrema and moments of one slot; NaN is left out.</summary>
internal sealed class SlotStatistics
{
    private double _min = double.PositiveInfinity;
    private double _max = double.NegativeInfinity;
    private double _mean;
    private double _squares;
    private long _count;

    public static SlotStatistics[] Create(int slots) => Enumerable.Range(0, slots).Select(_ => new SlotStatistics()).ToArray();

    /// <summary>An action that adds the present row.</summary>
    public static Action Reader(DataViewRow row, DataViewSchema.Column column, SlotStatistics[] slots)
        => (Action)TypedCall.Invoke(
            typeof(SlotStatistics), column.Type is VectorDataViewType ? nameof(VectorReader) : nameof(ScalarReader), [column.Type.ItemType().RawType], row, column, slots);

    /// <summary>x / max(|min|, |max|) when zero shall stay zero, else (x - min) / (max - min); a constant slot says nothing and becomes 0.</summary>
    public (double Scale, double Offset) MinMax(bool fixZero)
    {
        if (!(_max > _min))
        {
            return (0, 0);
        }

        return fixZero ? (1 / Math.Max(Math.Abs(_min), Math.Abs(_max)), 0) : (1 / (_max - _min), _min);
    }

    /// <summary>x / sqrt(mean of squares) when zero shall stay zero, else (x - mean) / deviation; a constant slot becomes 0.</summary>
    public (double Scale, double Offset) MeanVariance(bool fixZero)
    {
        double variance = _count == 0 ? 0 : _squares / _count;
        if (variance == 0)
        {
            return (0, 0);
        }

        return fixZero ? (1 / Math.Sqrt(variance + _mean * _mean), 0) : (1 / Math.Sqrt(variance), _mean);
    }

    private static Action ScalarReader<T>(DataViewRow row, DataViewSchema.Column column, SlotStatistics[] slots)
        where T : struct, IFloatingPoint<T>
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            slots[0].Add(double.CreateTruncating(value));
        };
    }

    private static Action VectorReader<T>(DataViewRow row, DataViewSchema.Column column, SlotStatistics[] slots)
        where T : struct, IFloatingPoint<T>
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        var dense = new T[slots.Length];
        return () =>
        {
            getter(ref buffer);
            if (buffer.Length != slots.Length)
            {
                throw Errors.Mark(new InvalidOperationException($"Normalizer expected {slots.Length} slots but got {buffer.Length}"));
            }

            buffer.CopyTo(dense);
            for (int i = 0; i < dense.Length; i++)
            {
                slots[i].Add(double.CreateTruncating(dense[i]));
            }
        };
    }

    private void Add(double value)
    {
        if (double.IsNaN(value))
        {
            return;
        }

        _count++;
        _min = Math.Min(_min, value);
        _max = Math.Max(_max, value);
        double delta = value - _mean;
        _mean += delta / _count;
        _squares += delta * (value - _mean);
    }
}
