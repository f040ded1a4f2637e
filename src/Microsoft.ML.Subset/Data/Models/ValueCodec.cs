using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Writes, reads and copies values of a raw type.</summary>
/// <typeparam name="T">The raw type.</typeparam>
internal abstract class ValueCodec<T>
{
    public static ValueCodec<T> Default { get; } = Make();

    public abstract void Write(BinaryWriter writer, T value);

    public abstract T Read(BinaryReader reader);

    public virtual void Copy(T source, ref T destination) => destination = source;

    private static ValueCodec<T> Make()
    {
        if (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>))
        {
            return (ValueCodec<T>)Activator.CreateInstance(typeof(VectorCodec<>).MakeGenericType(typeof(T).GetGenericArguments()));
        }

        return PrimitiveCodecs.Find<T>() ?? throw new NotSupportedException($"Values of type {typeof(T)} cannot be saved.");
    }
}

/// <summary>Vectors: length, stored count, indices when sparse, values.</summary>
/// <typeparam name="TItem">The item type.</typeparam>
internal sealed class VectorCodec<TItem> : ValueCodec<VBuffer<TItem>>
{
    private const int Maximum = 1 << 28;

    public override void Write(BinaryWriter writer, VBuffer<TItem> value)
    {
        writer.Write(value.Length);
        writer.Write(value.GetValues().Length);
        foreach (int index in value.GetIndices())
        {
            writer.Write(index);
        }

        foreach (TItem item in value.GetValues())
        {
            ValueCodec<TItem>.Default.Write(writer, item);
        }
    }

    public override VBuffer<TItem> Read(BinaryReader reader)
    {
        int length = reader.ReadInt32(), count = reader.ReadInt32();
        if (length is < 0 or > Maximum || count < 0 || count > length)
        {
            throw Errors.Decode("Corrupt model file: length of a vector.");
        }

        int[] indices = count == length ? null : Enumerable.Range(0, count).Select(_ => reader.ReadInt32()).ToArray();
        var values = new List<TItem>();
        for (int i = 0; i < count; i++)
        {
            values.Add(ValueCodec<TItem>.Default.Read(reader));
        }

        return new VBuffer<TItem>(length, count, values.ToArray(), indices);
    }

    public override void Copy(VBuffer<TItem> source, ref VBuffer<TItem> destination) => source.CopyTo(ref destination);
}

/// <summary>The codecs of single values.</summary>
internal static class PrimitiveCodecs
{
    private static readonly object[] _all =
    [
        new Codec<sbyte>((w, v) => w.Write(v), r => r.ReadSByte()),
        new Codec<byte>((w, v) => w.Write(v), r => r.ReadByte()),
        new Codec<short>((w, v) => w.Write(v), r => r.ReadInt16()),
        new Codec<ushort>((w, v) => w.Write(v), r => r.ReadUInt16()),
        new Codec<int>((w, v) => w.Write(v), r => r.ReadInt32()),
        new Codec<uint>((w, v) => w.Write(v), r => r.ReadUInt32()),
        new Codec<long>((w, v) => w.Write(v), r => r.ReadInt64()),
        new Codec<ulong>((w, v) => w.Write(v), r => r.ReadUInt64()),
        new Codec<float>((w, v) => w.Write(v), r => r.ReadSingle()),
        new Codec<double>((w, v) => w.Write(v), r => r.ReadDouble()),
        new Codec<bool>((w, v) => w.Write(v), r => r.ReadBoolean()),
        new Codec<ReadOnlyMemory<char>>((w, v) => w.Write(v.ToString()), r => r.ReadString().AsMemory()),
        new Codec<TimeSpan>((w, v) => w.Write(v.Ticks), r => new TimeSpan(r.ReadInt64())),
        new Codec<DateTime>((w, v) => w.Write(v.ToBinary()), r => DateTime.FromBinary(r.ReadInt64())),
        new Codec<DateTimeOffset>(WriteOffset, r => new DateTimeOffset(r.ReadInt64(), new TimeSpan(r.ReadInt64()))),
        new Codec<DataViewRowId>(WriteId, r => new DataViewRowId(r.ReadUInt64(), r.ReadUInt64())),
    ];

    public static ValueCodec<T> Find<T>() => _all.OfType<ValueCodec<T>>().SingleOrDefault();

    private static void WriteOffset(BinaryWriter writer, DateTimeOffset value)
    {
        writer.Write(value.Ticks);
        writer.Write(value.Offset.Ticks);
    }

    private static void WriteId(BinaryWriter writer, DataViewRowId value)
    {
        writer.Write(value.Low);
        writer.Write(value.High);
    }

    private sealed class Codec<T>(Action<BinaryWriter, T> write, Func<BinaryReader, T> read) : ValueCodec<T>
    {
        public override void Write(BinaryWriter writer, T value) => write(writer, value);

        public override T Read(BinaryReader reader) => read(reader);
    }
}
