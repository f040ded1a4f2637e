using System;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Finds and reads the columns of an evaluation.</summary>
internal static class EvaluationColumns
{
    public static DataViewSchema.Column Find(IDataView data, string role, string name)
        => data.Schema.GetColumnOrNull(name) ?? throw Errors.MissingColumn("schema", role, name);

    public static DataViewSchema.Column Find(IDataView data, string role, string name, PrimitiveDataViewType type)
    {
        DataViewSchema.Column column = Find(data, role, name);
        return column.Type == type ? column : throw Errors.Mismatch("schema", role, name, type.ToString(), column.Type.ToString());
    }

    /// <summary>Reads a class label: a key less one, or a number; NaN when missing.</summary>
    public static Func<double> ClassLabel(DataViewRow row, DataViewSchema.Column label)
    {
        if (label.Type is not KeyDataViewType key)
        {
            return label.Type == NumberDataViewType.Double ? Number<double>(row, label, v => v) : Number<float>(row, label, v => v);
        }

        return key.RawType == typeof(byte) ? Number<byte>(row, label, v => Key(v))
            : key.RawType == typeof(ushort) ? Number<ushort>(row, label, v => Key(v))
            : key.RawType == typeof(uint) ? Number<uint>(row, label, v => Key(v))
            : Number<ulong>(row, label, Key);
    }

    public static Func<double> Number<T>(DataViewRow row, DataViewSchema.Column column, Func<T, double> convert)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            return convert(value);
        };
    }

    /// <summary>Names of classes: the label's text key values, the score's slot names, or numbers.</summary>
    public static string[] ClassNames(DataViewSchema.Column label, DataViewSchema.Column score, int count)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (label.HasKeyValues() && label.Annotations.Schema[AnnotationKinds.KeyValues].Type.ItemType() is TextDataViewType)
        {
            label.GetKeyValues(ref names);
        }
        else if (score.HasSlotNames())
        {
            score.GetSlotNames(ref names);
        }

        string[] found = names.DenseValues().Select(n => n.ToString()).ToArray();
        return found.Length == count ? found : Enumerable.Range(0, count).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture)).ToArray();
    }

    private static double Key(ulong raw) => raw == 0 ? double.NaN : raw - 1;
}
