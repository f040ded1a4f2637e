using System;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>Reads a column of vectors or scalars as values of one type.</summary>
internal static class ColumnValues
{
    /// <summary>A function that gives the current row's values.</summary>
    /// <exception cref="InvalidOperationException">From the function: the row has another number of values.</exception>
    public static Func<ReadOnlySpan<T>> Reader<T>(DataViewRow row, DataViewSchema.Column column, int size)
        where T : unmanaged
    {
        var values = new T[size];
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> scalar = row.GetGetter<T>(column);
            return () =>
            {
                scalar(ref values[0]);
                return values;
            };
        }

        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> source = default;
        return () =>
        {
            getter(ref source);
            if (source.Length != size)
            {
                throw new InvalidOperationException($"Row {row.Position}, column '{column.Name}': expected Vector<{typeof(T).Name}> of size {size}, found Vector<{typeof(T).Name}> of size {source.Length}.");
            }

            source.CopyTo(values);
            return values;
        };
    }
}
