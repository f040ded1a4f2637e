using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>The values behind keys: value k has the raw key k + 1.</summary>
internal abstract class KeyValues
{
    public abstract PrimitiveDataViewType ItemType { get; }

    public abstract int Count { get; }

    public static KeyValues Create(PrimitiveDataViewType item)
        => (KeyValues)Activator.CreateInstance(typeof(KeyValues<>).MakeGenericType(item.RawType), item);

    public static KeyValues Read(BinaryReader reader)
    {
        if (SchemaSerializer.ReadType(reader) is not PrimitiveDataViewType item)
        {
            throw Errors.Decode("Corrupt model file: type of key values.");
        }

        KeyValues values = Create(item);
        values.ReadItems(reader);
        return values;
    }

    public void Write(BinaryWriter writer)
    {
        SchemaSerializer.WriteType(writer, ItemType);
        WriteItems(writer);
    }

    /// <summary>An action that adds the present value of a column, until there are <paramref name="maximum"/>.</summary>
    public abstract Action Reader(DataViewRow row, DataViewSchema.Column column, int maximum);

    /// <summary>Sorts the values.</summary>
    public abstract void Sort();

    /// <summary>The KeyValues annotation.</summary>
    public abstract void Annotate(DataViewSchema.Annotations.Builder builder, bool asText);

    /// <summary>A getter of keys over a column of values.</summary>
    public abstract Delegate MakeGetter(DataViewRow row, DataViewSchema.Column column);

    protected abstract void ReadItems(BinaryReader reader);

    protected abstract void WriteItems(BinaryWriter writer);
}

/// <summary>The values behind keys.</summary>
/// <typeparam name="T">The raw type of the values.</typeparam>
internal sealed class KeyValues<T> : KeyValues
{
    private readonly List<T> _values = [];
    private readonly Dictionary<T, uint> _keys = new(ItemRules<T>.Comparer);

    public KeyValues(PrimitiveDataViewType item) => ItemType = item;

    public override PrimitiveDataViewType ItemType { get; }

    public override int Count => _values.Count;

    public override Action Reader(DataViewRow row, DataViewSchema.Column column, int maximum)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T value = default;
            return () =>
            {
                getter(ref value);
                Add(value, maximum);
            };
        }

        ValueGetter<VBuffer<T>> vector = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        return () =>
        {
            vector(ref buffer);
            foreach (T value in buffer.DenseValues())
            {
                Add(value, maximum);
            }
        };
    }

    public override void Sort()
    {
        T[] sorted = _values.Order(ItemRules<T>.Order).ToArray();
        _values.Clear();
        _keys.Clear();
        Array.ForEach(sorted, v => Add(v, int.MaxValue));
    }

    public override void Annotate(DataViewSchema.Annotations.Builder builder, bool asText)
    {
        if (asText && typeof(T) != typeof(ReadOnlyMemory<char>))
        {
            ReadOnlyMemory<char>[] texts = _values.Select(v => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{v}").AsMemory()).ToArray();
            builder.Add(AnnotationKinds.KeyValues, new VectorDataViewType(TextDataViewType.Instance, texts.Length),
                (ref VBuffer<ReadOnlyMemory<char>> value) => VBuffer<ReadOnlyMemory<char>>.Copy(texts, 0, ref value, texts.Length));
            return;
        }

        T[] values = _values.ToArray();
        builder.Add(AnnotationKinds.KeyValues, new VectorDataViewType(ItemType, values.Length),
            (ref VBuffer<T> value) => VBuffer<T>.Copy(values, 0, ref value, values.Length));
    }

    public override Delegate MakeGetter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T source = default;
            return (ValueGetter<uint>)((ref uint value) =>
            {
                getter(ref source);
                value = Find(source);
            });
        }

        ValueGetter<VBuffer<T>> vector = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) =>
        {
            vector(ref buffer);
            VBufferEditor<uint> editor = VBufferEditor.Create(ref value, buffer.Length);
            foreach (KeyValuePair<int, T> item in buffer.Items(all: true))
            {
                editor.Values[item.Key] = Find(item.Value);
            }

            value = editor.Commit();
        });
    }

    protected override void ReadItems(BinaryReader reader)
        => Array.ForEach(ComponentFormat.ReadArray(reader, () => ValueCodec<T>.Default.Read(reader)), v => Add(v, int.MaxValue));

    protected override void WriteItems(BinaryWriter writer)
        => ComponentFormat.WriteArray(writer, _values.ToArray(), v => ValueCodec<T>.Default.Write(writer, v));

    private uint Find(T value) => ItemRules<T>.IsMissing(value) ? 0 : _keys.GetValueOrDefault(value);

    private void Add(T value, int maximum)
    {
        if (_values.Count < maximum && !ItemRules<T>.IsMissing(value) && _keys.TryAdd(value, (uint)_values.Count + 1))
        {
            _values.Add(value);
        }
    }
}
