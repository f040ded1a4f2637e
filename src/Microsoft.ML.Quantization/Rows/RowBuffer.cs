using System;
using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>The values of one pass-through column for the rows read ahead, in the column's own type.</summary>
internal abstract class RowBuffer
{
    /// <summary>Reads the current row's value into a slot; an exception is kept and thrown when that slot is asked for.</summary>
    public abstract void Capture(int slot);

    /// <summary>A getter of the slot that <paramref name="current"/> names at the time of the call.</summary>
    public abstract Delegate Getter(Func<int> current);

    /// <summary>Whether values of the type may be kept behind the source's back: plain values, text, and vectors of them.</summary>
    public static bool CanBuffer(DataViewType type)
    {
        DataViewType item = (type as VectorDataViewType)?.ItemType ?? type;
        return item is NumberDataViewType or TextDataViewType or BooleanDataViewType or KeyDataViewType or DateTimeDataViewType
            or DateTimeOffsetDataViewType or TimeSpanDataViewType or RowIdDataViewType;
    }

    /// <summary>Makes the buffer of a column.</summary>
    public static RowBuffer Create(DataViewRow row, DataViewSchema.Column column, int capacity)
    {
        string method = column.Type is VectorDataViewType ? nameof(OfVector) : nameof(OfValue);
        Type item = column.Type is VectorDataViewType vector ? vector.ItemType.RawType : column.Type.RawType;
        MethodInfo create = typeof(RowBuffer).GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(item);
        return (RowBuffer)create.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [row, column, capacity], null)!;
    }

    private static Typed<T> OfValue<T>(DataViewRow row, DataViewSchema.Column column, int capacity)
        => new(row.GetGetter<T>(column), capacity, (ref T from, ref T to) => to = from);

    private static Typed<VBuffer<T>> OfVector<T>(DataViewRow row, DataViewSchema.Column column, int capacity)
        => new(row.GetGetter<VBuffer<T>>(column), capacity, (ref VBuffer<T> from, ref VBuffer<T> to) => from.CopyTo(ref to));

    private delegate void Copy<T>(ref T from, ref T to);

    private sealed class Typed<T>(ValueGetter<T> source, int capacity, Copy<T> copy) : RowBuffer
    {
        private readonly T[] _values = new T[capacity];
        private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[capacity];

        public override void Capture(int slot)
        {
            _errors[slot] = null;
            try
            {
                source(ref _values[slot]);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                _errors[slot] = ExceptionDispatchInfo.Capture(exception);
            }
        }

        public override Delegate Getter(Func<int> current) => (ValueGetter<T>)((ref T value) =>
        {
            int slot = current();
            _errors[slot]?.Throw();
            copy(ref _values[slot], ref value);
        });
    }
}
