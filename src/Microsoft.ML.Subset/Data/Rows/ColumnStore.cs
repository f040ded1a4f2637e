using System;

namespace Microsoft.ML.Data;

/// <summary>Values of one column, kept by slot.</summary>
internal abstract class ColumnStore
{
    /// <summary>A store for the type of <paramref name="column"/>.</summary>
    public static ColumnStore Create(DataViewSchema.Column column)
        => (ColumnStore)Activator.CreateInstance(typeof(ColumnStore<>).MakeGenericType(column.Type.RawType), column);

    /// <summary>Says which row <see cref="Store"/> reads.</summary>
    public abstract void Bind(DataViewRow row);

    /// <summary>Keeps the present value of the bound row.</summary>
    public abstract void Store(int slot);

    /// <summary>Exchanges two slots.</summary>
    public abstract void Swap(int first, int second);

    /// <summary>A getter of the slot that <paramref name="slot"/> gives at each call.</summary>
    public abstract Delegate MakeGetter(Func<int> slot);
}

/// <summary>Values of one column of a known type.</summary>
/// <typeparam name="T">The raw type.</typeparam>
internal sealed class ColumnStore<T>(DataViewSchema.Column column) : ColumnStore
{
    private delegate void Copier(in T source, ref T destination);

    private static readonly Copier _copy = MakeCopier();
    private T[] _values = [];
    private ValueGetter<T> _getter;

    public override void Bind(DataViewRow row) => _getter = row.GetGetter<T>(column);

    public override void Store(int slot)
    {
        if (slot >= _values.Length)
        {
            Array.Resize(ref _values, Math.Max(16, Math.Max(slot + 1, _values.Length * 2)));
        }

        _getter(ref _values[slot]);
    }

    public override void Swap(int first, int second) => (_values[first], _values[second]) = (_values[second], _values[first]);

    public override Delegate MakeGetter(Func<int> slot)
        => (ValueGetter<T>)((ref T value) => _copy(in _values[slot()], ref value));

    // A vector must be copied, for the caller may write into the buffers he gets.
    private static Copier MakeCopier()
        => typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? (Copier)TypedCall.Invoke(typeof(ColumnStore<T>), nameof(VectorCopier), typeof(T).GetGenericArguments())
            : static (in T source, ref T destination) => destination = source;

    private static Delegate VectorCopier<TItem>()
        => Delegate.CreateDelegate(typeof(Copier), typeof(ColumnStore<T>).GetMethod(nameof(CopyVector), System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic).MakeGenericMethod(typeof(TItem)));

    private static void CopyVector<TItem>(in VBuffer<TItem> source, ref VBuffer<TItem> destination) => source.CopyTo(ref destination);
}
