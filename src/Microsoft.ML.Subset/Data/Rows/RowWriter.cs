using System;
using System.Collections.Generic;
using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Writes the columns of a row into the members of row objects, through compiled accessors.</summary>
/// <typeparam name="TRow">The row type.</typeparam>
internal sealed class RowWriter<TRow>
    where TRow : class
{
    private readonly List<(DataViewSchema.Column Column, RowMember Member)> _bound = [];

    public RowWriter(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        foreach (SchemaDefinition.Column wanted in definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write))
        {
            if (schema.GetColumnOrNull(wanted.ColumnName) is not { } column)
            {
                if (ignoreMissingColumns)
                {
                    continue;
                }

                throw Errors.MissingColumn(nameof(schema), "", wanted.ColumnName);
            }

            RowMember member = RowMember.Find(typeof(TRow), wanted.MemberName);
            if (!Fits(column.Type, member))
            {
                throw Errors.Mark(new InvalidOperationException(
                    $"Can't bind the IDataView column '{column.Name}' of type '{column.Type}' to field or property '{member.Name}' of type '{member.ClrType.FullName}'."));
            }

            _bound.Add((column, member));
        }
    }

    public IEnumerable<DataViewSchema.Column> Columns => _bound.ConvertAll(b => b.Column);

    /// <summary>An action that copies the present values of <paramref name="row"/> into an object.</summary>
    public Action<TRow> Bind(DataViewRow row)
    {
        Action<TRow>[] setters = _bound.ConvertAll(b => Setter(row, b.Column, b.Member)).ToArray();
        return target =>
        {
            foreach (Action<TRow> set in setters)
            {
                set(target);
            }
        };
    }

    private static bool Fits(DataViewType type, RowMember member)
    {
        Type item = member.ItemClrType == typeof(string) ? typeof(ReadOnlyMemory<char>) : member.ItemClrType;
        return member.IsVector == (type is VectorDataViewType) && type.ItemType().RawType == item;
    }

    private static Action<TRow> Setter(DataViewRow row, DataViewSchema.Column column, RowMember member)
    {
        ParameterExpression target = Expression.Parameter(typeof(TRow)), value = Expression.Parameter(member.ClrType);
        Expression access = member.Info is FieldInfo field ? Expression.Field(target, field) : Expression.Property(target, (PropertyInfo)member.Info);
        Delegate set = Expression.Lambda(typeof(Action<,>).MakeGenericType(typeof(TRow), member.ClrType), Expression.Assign(access, value), target, value).Compile();
        if (member.ClrType == typeof(string))
        {
            return Text((Action<TRow, string>)set, row.GetGetter<ReadOnlyMemory<char>>(column));
        }

        if (member.ClrType == typeof(string[]))
        {
            return TextArray((Action<TRow, string[]>)set, row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column));
        }

        Delegate getter = TypedCall.Getter(row, column);
        if (!member.IsVector)
        {
            return (Action<TRow>)TypedCall.Invoke(typeof(RowWriter<TRow>), nameof(Scalar), [member.ItemClrType], set, getter);
        }

        bool readable = member.Info is FieldInfo or PropertyInfo { CanRead: true };
        Delegate get = readable ? Expression.Lambda(typeof(Func<,>).MakeGenericType(typeof(TRow), member.ClrType), access, target).Compile() : null;
        return (Action<TRow>)TypedCall.Invoke(
            typeof(RowWriter<TRow>), member.ClrType.IsArray ? nameof(Array) : nameof(Buffer), [member.ItemClrType], set, get, getter);
    }

    private static Action<TRow> Text(Action<TRow, string> set, ValueGetter<ReadOnlyMemory<char>> getter)
    {
        ReadOnlyMemory<char> buffer = default;
        return target =>
        {
            getter(ref buffer);
            set(target, buffer.ToString());
        };
    }

    private static Action<TRow> TextArray(Action<TRow, string[]> set, ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter)
    {
        VBuffer<ReadOnlyMemory<char>> buffer = default;
        return target =>
        {
            getter(ref buffer);
            var array = new string[buffer.Length];
            foreach (KeyValuePair<int, ReadOnlyMemory<char>> item in buffer.Items(all: true))
            {
                array[item.Key] = item.Value.ToString();
            }

            set(target, array);
        };
    }

    private static Action<TRow> Scalar<T>(Action<TRow, T> set, ValueGetter<T> getter)
    {
        T value = default;
        return target =>
        {
            getter(ref value);
            set(target, value);
        };
    }

    // An array of the right length that the object already holds is written in place.
    private static Action<TRow> Array<T>(Action<TRow, T[]> set, Func<TRow, T[]> get, ValueGetter<VBuffer<T>> getter)
    {
        VBuffer<T> buffer = default;
        return target =>
        {
            getter(ref buffer);
            T[] array = get?.Invoke(target);
            if (array?.Length != buffer.Length)
            {
                array = buffer.Length == 0 ? [] : new T[buffer.Length];
            }

            buffer.CopyTo(array);
            set(target, array);
        };
    }

    private static Action<TRow> Buffer<T>(Action<TRow, VBuffer<T>> set, Func<TRow, VBuffer<T>> get, ValueGetter<VBuffer<T>> getter)
        => target =>
        {
            VBuffer<T> value = get == null ? default : get(target);
            getter(ref value);
            set(target, value);
        };
}
