using System;
using System.Collections.Generic;
using System.IO;

namespace Microsoft.ML.Data;

/// <summary>A schema with its annotations as bytes, in a form of our own.</summary>
internal static class SchemaSerializer
{
    private const uint Magic = 0x48435353;
    private const int Maximum = 1 << 20;

    private enum TypeTag : byte
    {
        Primitive = 1,
        Key = 2,
        Vector = 3,
        RowId = 4,
    }

    public static void Write(BinaryWriter writer, DataViewSchema schema)
    {
        writer.Write(Magic);
        WriteColumns(writer, schema, c => c.Annotations);
    }

    public static DataViewSchema Read(BinaryReader reader)
    {
        if (reader.ReadUInt32() != Magic)
        {
            throw Errors.Decode("The schema of this model was not written by this assembly.");
        }

        var builder = new DataViewSchema.Builder();
        int count = ReadCount(reader);
        for (int i = 0; i < count; i++)
        {
            builder.AddColumn(reader.ReadString(), ReadType(reader), ReadAnnotations(reader));
        }

        return builder.ToSchema();
    }

    private static void WriteColumns(BinaryWriter writer, DataViewSchema schema, Func<DataViewSchema.Column, DataViewSchema.Annotations> annotations)
    {
        writer.Write(schema.Count);
        foreach (DataViewSchema.Column column in schema)
        {
            writer.Write(column.Name);
            WriteType(writer, column.Type);
            DataViewSchema.Annotations own = annotations(column);
            WriteColumns(writer, own.Schema, c => c.Annotations);
            foreach (DataViewSchema.Column kind in own.Schema)
            {
                TypedCall.Invoke(typeof(SchemaSerializer), nameof(WriteValue), [kind.Type.RawType], writer, own, kind);
            }
        }
    }

    private static DataViewSchema.Annotations ReadAnnotations(BinaryReader reader)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        int count = ReadCount(reader);
        var kinds = new List<DataViewSchema.DetachedColumn>();
        for (int i = 0; i < count; i++)
        {
            kinds.Add(new DataViewSchema.DetachedColumn(reader.ReadString(), ReadType(reader), ReadAnnotations(reader)));
        }

        foreach (DataViewSchema.DetachedColumn kind in kinds)
        {
            builder.Add(kind.Name, kind.Type, (Delegate)TypedCall.Invoke(typeof(SchemaSerializer), nameof(ReadValue), [kind.Type.RawType], reader), kind.Annotations);
        }

        return builder.ToAnnotations();
    }

    private static void WriteValue<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column kind)
    {
        T value = default;
        annotations.GetGetter<T>(kind)(ref value);
        ValueCodec<T>.Default.Write(writer, value);
    }

    private static ValueGetter<T> ReadValue<T>(BinaryReader reader)
    {
        T stored = ValueCodec<T>.Default.Read(reader);
        return (ref T value) => ValueCodec<T>.Default.Copy(stored, ref value);
    }

    internal static void WriteType(BinaryWriter writer, DataViewType type)
    {
        switch (type)
        {
            case VectorDataViewType vector:
                writer.Write((byte)TypeTag.Vector);
                writer.Write(vector.Dimensions.Length);
                foreach (int d in vector.Dimensions)
                {
                    writer.Write(d);
                }

                WriteType(writer, vector.ItemType);
                break;
            case KeyDataViewType key:
                writer.Write((byte)TypeTag.Key);
                writer.Write((byte)DataKinds.KindOf(key.RawType).Value);
                writer.Write(key.Count);
                break;
            case RowIdDataViewType:
                writer.Write((byte)TypeTag.RowId);
                break;
            default:
                writer.Write((byte)TypeTag.Primitive);
                writer.Write((byte)(DataKinds.KindOf(type.RawType) ?? throw new NotSupportedException($"Columns of type {type} cannot be saved.")));
                break;
        }
    }

    internal static DataViewType ReadType(BinaryReader reader)
    {
        var tag = (TypeTag)reader.ReadByte();
        switch (tag)
        {
            case TypeTag.Vector:
                var dimensions = new int[ReadCount(reader)];
                for (int i = 0; i < dimensions.Length; i++)
                {
                    dimensions[i] = reader.ReadInt32();
                }

                return new VectorDataViewType((PrimitiveDataViewType)ReadType(reader), dimensions);
            case TypeTag.Key:
                return new KeyDataViewType(DataKinds.ToType((DataKind)reader.ReadByte()).RawType, reader.ReadUInt64());
            case TypeTag.RowId:
                return RowIdDataViewType.Instance;
            case TypeTag.Primitive:
                return DataKinds.ToType((DataKind)reader.ReadByte());
            default:
                throw Errors.Decode("Corrupt model file: type of a column.");
        }
    }

    private static int ReadCount(BinaryReader reader)
    {
        int count = reader.ReadInt32();
        return count is >= 0 and <= Maximum ? count : throw Errors.Decode("Corrupt model file: a count.");
    }
}
