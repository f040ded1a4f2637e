using System;
using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Gives the members of a row object as column values, through compiled accessors.</summary>
/// <typeparam name="TRow">The row type.</typeparam>
internal sealed class RowReader<TRow>
    where TRow : class
{
    private readonly Delegate[] _accessors;

    public RowReader(SchemaDefinition definition)
    {
        var builder = new DataViewSchema.Builder();
        _accessors = new Delegate[definition.Count];
        for (int i = 0; i < _accessors.Length; i++)
        {
            SchemaDefinition.Column column = definition[i];
            RowMember member = RowMember.Find(typeof(TRow), column.MemberName);
            DataViewType item = column.ColumnType.ItemType();
            PrimitiveDataViewType own = DataKinds.FromRawType(member.ItemClrType);
            if (own == null || own.RawType != item.RawType || member.IsVector != (column.ColumnType is VectorDataViewType))
            {
                throw new ArgumentOutOfRangeException(nameof(definition),
                    $"The column '{column.ColumnName}' of type '{column.ColumnType}' does not fit the member '{member.Name}' of type '{member.ClrType.FullName}'.");
            }

            builder.AddColumn(column.ColumnName, column.ColumnType, column.Annotations);
            _accessors[i] = Accessor(member);
        }

        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    /// <summary>A getter that reads the column from the row object that <paramref name="current"/> gives.</summary>
    public Delegate MakeGetter(int column, Func<TRow> current)
    {
        DataViewType type = Schema[column].Type;
        Delegate accessor = _accessors[column];
        Type member = accessor.GetType().GetGenericArguments()[1];
        if (type is VectorDataViewType vector)
        {
            string method = !member.IsArray ? nameof(BufferGetter) : member == typeof(string[]) ? null : nameof(ArrayGetter);
            return method == null
                ? TextArrayGetter((Func<TRow, string[]>)accessor, current)
                : (Delegate)TypedCall.Invoke(typeof(RowReader<TRow>), method, [vector.ItemType.RawType], accessor, current);
        }

        if (accessor is Func<TRow, string> text)
        {
            return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = text(current()).AsMemory());
        }

        return type is KeyDataViewType key ? KeyGetter(key, accessor, current)
            : (Delegate)TypedCall.Invoke(typeof(RowReader<TRow>), nameof(ValueGetter), [type.RawType], accessor, current);
    }

    private static Delegate Accessor(RowMember member)
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        MemberExpression body = member.Info is FieldInfo field ? Expression.Field(row, field) : Expression.Property(row, (PropertyInfo)member.Info);
        return Expression.Lambda(typeof(Func<,>).MakeGenericType(typeof(TRow), member.ClrType), body, row).Compile();
    }

    private static ValueGetter<T> ValueGetter<T>(Func<TRow, T> accessor, Func<TRow> current)
        => (ref T value) => value = accessor(current());

    private static ValueGetter<VBuffer<T>> BufferGetter<T>(Func<TRow, VBuffer<T>> accessor, Func<TRow> current)
        => (ref VBuffer<T> value) => accessor(current()).CopyTo(ref value);

    private static ValueGetter<VBuffer<T>> ArrayGetter<T>(Func<TRow, T[]> accessor, Func<TRow> current)
        => (ref VBuffer<T> value) =>
        {
            T[] array = accessor(current()) ?? [];
            VBuffer<T>.Copy(array, 0, ref value, array.Length);
        };

    private static ValueGetter<VBuffer<ReadOnlyMemory<char>>> TextArrayGetter(Func<TRow, string[]> accessor, Func<TRow> current)
        => (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            string[] array = accessor(current()) ?? [];
            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, array.Length);
            for (int i = 0; i < array.Length; i++)
            {
                editor.Values[i] = array[i].AsMemory();
            }

            value = editor.Commit();
        };

    // A scalar user value v in 0 .. count-1 is the raw key v + 1; all others are missing. Vectors are copied raw.
    private static Delegate KeyGetter(KeyDataViewType key, Delegate accessor, Func<TRow> current)
    {
        ulong count = key.Count;
        return accessor switch
        {
            Func<TRow, byte> f => (ValueGetter<byte>)((ref byte v) => v = f(current()) < count ? (byte)(f(current()) + 1) : (byte)0),
            Func<TRow, ushort> f => (ValueGetter<ushort>)((ref ushort v) => v = f(current()) < count ? (ushort)(f(current()) + 1) : (ushort)0),
            Func<TRow, uint> f => (ValueGetter<uint>)((ref uint v) => v = f(current()) < count ? f(current()) + 1 : 0),
            Func<TRow, ulong> f => (ValueGetter<ulong>)((ref ulong v) => v = f(current()) < count ? f(current()) + 1 : 0),
            _ => throw new InvalidOperationException("Not a key."),
        };
    }
}
