using System;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Joins scalars and vectors of one row.</summary>
internal static class Concatenation
{
    public static Delegate MakeGetter<T>(DataViewRow row, DataViewSchema.Column[] sources)
    {
        ValueGetter<VBuffer<T>>[] getters = sources.Select(s => AsVector<T>(row, s)).ToArray();
        int[] sizes = sources.Select(s => s.Type is VectorDataViewType v ? v.Size : 1).ToArray();
        var parts = new VBuffer<T>[getters.Length];
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            int length = 0, stored = 0;
            for (int i = 0; i < parts.Length; i++)
            {
                getters[i](ref parts[i]);
                if (sizes[i] != 0 && parts[i].Length != sizes[i])
                {
                    throw Errors.Mark(new InvalidOperationException(
                        $"Column '{sources[i].Name}': vector of length {parts[i].Length} where {sizes[i]} was promised."));
                }

                length += parts[i].Length;
                stored += parts[i].GetValues().Length;
            }

            Join(parts, length, stored, ref value);
        });
    }

    private static ValueGetter<VBuffer<T>> AsVector<T>(DataViewRow row, DataViewSchema.Column source)
    {
        if (source.Type is VectorDataViewType)
        {
            return row.GetGetter<VBuffer<T>>(source);
        }

        ValueGetter<T> scalar = row.GetGetter<T>(source);
        return (ref VBuffer<T> value) =>
        {
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, 1);
            scalar(ref editor.Values[0]);
            value = editor.Commit();
        };
    }

    private static void Join<T>(VBuffer<T>[] parts, int length, int stored, ref VBuffer<T> value)
    {
        // Sparse only where it saves memory: an index costs about as much as a value.
        if (stored >= length / 2)
        {
            VBufferEditor<T> dense = VBufferEditor.Create(ref value, length);
            int at = 0;
            foreach (VBuffer<T> part in parts)
            {
                part.CopyTo(dense.Values.Slice(at, part.Length));
                at += part.Length;
            }

            value = dense.Commit();
            return;
        }

        VBufferEditor<T> editor = VBufferEditor.Create(ref value, length, stored);
        int offset = 0, next = 0;
        foreach (VBuffer<T> part in parts)
        {
            ReadOnlySpan<T> values = part.GetValues();
            ReadOnlySpan<int> indices = part.GetIndices();
            for (int i = 0; i < values.Length; i++, next++)
            {
                editor.Values[next] = values[i];
                editor.Indices[next] = offset + (part.IsDense ? i : indices[i]);
            }

            offset += part.Length;
        }

        value = editor.Commit();
    }
}
