using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Primitive types by kind and by CLR type.</summary>
internal static class DataKinds
{
    private static readonly Dictionary<DataKind, PrimitiveDataViewType> _byKind = new()
    {
        [DataKind.SByte] = NumberDataViewType.SByte,
        [DataKind.Byte] = NumberDataViewType.Byte,
        [DataKind.Int16] = NumberDataViewType.Int16,
        [DataKind.UInt16] = NumberDataViewType.UInt16,
        [DataKind.Int32] = NumberDataViewType.Int32,
        [DataKind.UInt32] = NumberDataViewType.UInt32,
        [DataKind.Int64] = NumberDataViewType.Int64,
        [DataKind.UInt64] = NumberDataViewType.UInt64,
        [DataKind.Single] = NumberDataViewType.Single,
        [DataKind.Double] = NumberDataViewType.Double,
        [DataKind.String] = TextDataViewType.Instance,
        [DataKind.Boolean] = BooleanDataViewType.Instance,
        [DataKind.TimeSpan] = TimeSpanDataViewType.Instance,
        [DataKind.DateTime] = DateTimeDataViewType.Instance,
        [DataKind.DateTimeOffset] = DateTimeOffsetDataViewType.Instance,
    };

    private static readonly Dictionary<Type, PrimitiveDataViewType> _byRawType = _byKind.Values
        .Append(RowIdDataViewType.Instance).ToDictionary(t => t.RawType);

    /// <summary>The type of a kind.</summary>
    public static PrimitiveDataViewType ToType(DataKind kind)
        => _byKind.TryGetValue(kind, out PrimitiveDataViewType type) ? type : throw new ArgumentOutOfRangeException(nameof(kind));

    /// <summary>The kind of a type, or null.</summary>
    public static DataKind? KindOf(Type rawType)
    {
        foreach (KeyValuePair<DataKind, PrimitiveDataViewType> pair in _byKind)
        {
            if (pair.Value.RawType == rawType)
            {
                return pair.Key;
            }
        }

        return null;
    }

    /// <summary>The primitive type whose getters take <paramref name="rawType"/> (string counts as text), or null.</summary>
    public static PrimitiveDataViewType FromRawType(Type rawType)
        => rawType == typeof(string) ? TextDataViewType.Instance : _byRawType.GetValueOrDefault(rawType);

    /// <summary>The item type of a vector, or the type itself.</summary>
    public static DataViewType ItemType(this DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : type;
}
