using System;
using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>Applies y = (x - offset) · scale to scalars and vectors.</summary>
internal static class SlotMap
{
    public static Delegate MakeGetter(DataViewRow row, DataViewSchema.Column source, (double Scale, double Offset)[] map)
        => (Delegate)TypedCall.Invoke(
            typeof(SlotMap), source.Type is VectorDataViewType ? nameof(Vector) : nameof(Scalar), [source.Type.ItemType().RawType], row, source, map);

    private static Delegate Scalar<T>(DataViewRow row, DataViewSchema.Column source, (double Scale, double Offset)[] map)
        where T : struct, IFloatingPoint<T>
    {
        ValueGetter<T> getter = row.GetGetter<T>(source);
        T scale = T.CreateTruncating(map[0].Scale), offset = T.CreateTruncating(map[0].Offset);
        return (ValueGetter<T>)((ref T value) =>
        {
            getter(ref value);
            value = (value - offset) * scale;
        });
    }

    private static Delegate Vector<T>(DataViewRow row, DataViewSchema.Column source, (double Scale, double Offset)[] map)
        where T : struct, IFloatingPoint<T>
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(source);
        T[] scale = Array.ConvertAll(map, m => T.CreateTruncating(m.Scale)), offset = Array.ConvertAll(map, m => T.CreateTruncating(m.Offset));
        VBuffer<T> input = default;
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            getter(ref input);
            if (input.Length != scale.Length)
            {
                throw Errors.Mark(new InvalidOperationException($"Normalizer expected {scale.Length} slots but got {input.Length}"));
            }

            // Offsets make implicit zeros explicit, so the result is always dense.
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, input.Length);
            input.CopyTo(editor.Values);
            for (int i = 0; i < scale.Length; i++)
            {
                editor.Values[i] = (editor.Values[i] - offset[i]) * scale[i];
            }

            value = editor.Commit();
        });
    }
}
