using System;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>Reads labels: keys as classes from 0, numbers as they are.</summary>
internal static class TargetValues
{
    /// <summary>A function that gives the current row's targets; null for a missing label (key 0 or NaN).</summary>
    public static Func<float[]?> Reader(DataViewRow row, DataViewSchema.Column label) => label.Type switch
    {
        KeyDataViewType { RawType: { } raw } when raw == typeof(byte) => Key<byte>(row, label, k => k),
        KeyDataViewType { RawType: { } raw } when raw == typeof(ushort) => Key<ushort>(row, label, k => k),
        KeyDataViewType { RawType: { } raw } when raw == typeof(ulong) => Key<ulong>(row, label, k => k),
        KeyDataViewType => Key<uint>(row, label, k => k),
        VectorDataViewType vector => Numbers(ColumnValues.Reader<float>(row, label, vector.Size)),
        _ => Numbers(ColumnValues.Reader<float>(row, label, 1)),
    };

    private static Func<float[]?> Key<T>(DataViewRow row, DataViewSchema.Column label, Func<T, ulong> widen)
    {
        ValueGetter<T> getter = row.GetGetter<T>(label);
        return () =>
        {
            T key = default!;
            getter(ref key);
            ulong value = widen(key);
            return value == 0 ? null : [value - 1];
        };
    }

    private static Func<float[]?> Numbers(Func<ReadOnlySpan<float>> read) => () =>
    {
        float[] values = read().ToArray();
        return Array.Exists(values, float.IsNaN) ? null : values;
    };
}
