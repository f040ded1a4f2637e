using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Reads one column.</summary>
public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(columnName);
        if (data.Schema.GetColumnOrNull(columnName) is not { } column)
        {
            throw Errors.MissingColumn("input", "input", columnName);
        }

        return data.GetColumn<T>(column);
    }

    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        ArgumentNullException.ThrowIfNull(data);
        Type raw = column.Type.RawType;
        if (typeof(T) == raw)
        {
            return Values<T, T>(data, column, v => v, copy: true);
        }

        if (typeof(T) == typeof(string) && column.Type is TextDataViewType)
        {
            return (IEnumerable<T>)Values<ReadOnlyMemory<char>, string>(data, column, v => v.ToString(), copy: false);
        }

        if (typeof(T) == typeof(string[]) && column.Type.ItemType() is TextDataViewType && column.Type is VectorDataViewType)
        {
            return (IEnumerable<T>)Values<VBuffer<ReadOnlyMemory<char>>, string[]>(data, column, v => v.DenseValues().Select(t => t.ToString()).ToArray(), copy: false);
        }

        if (typeof(T).IsArray && column.Type is VectorDataViewType vector && vector.ItemType.RawType == typeof(T).GetElementType())
        {
            return (IEnumerable<T>)TypedCall.Invoke(typeof(ColumnCursorExtensions), nameof(Arrays), [vector.ItemType.RawType], data, column);
        }

        throw Errors.Mark(new InvalidOperationException($"Could not map a data view column '{column.Name}' of type {column.Type} to {typeof(T)}."));
    }

    private static IEnumerable<TItem[]> Arrays<TItem>(IDataView data, DataViewSchema.Column column)
        => Values<VBuffer<TItem>, TItem[]>(data, column, Dense, copy: false);

    private static TItem[] Dense<TItem>(VBuffer<TItem> value)
    {
        var array = new TItem[value.Length];
        value.CopyTo(array);
        return array;
    }

    private static IEnumerable<TOut> Values<TIn, TOut>(IDataView data, DataViewSchema.Column column, Func<TIn, TOut> map, bool copy)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<TIn> getter = cursor.GetGetter<TIn>(column);
        TIn value = default;
        while (cursor.MoveNext())
        {
            if (copy)
            {
                // The caller keeps what he gets, so each value has buffers of its own.
                value = default;
            }

            getter(ref value);
            yield return map(value);
        }
    }
}
