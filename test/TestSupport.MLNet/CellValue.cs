using System;
using System.Linq;
using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>Values of columns in a form that compares by content: vectors as arrays of all items, text as strings.</summary>
internal static class CellValue
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions;

    public static Func<object?> Reader(DataViewRow row, DataViewSchema.Column column)
        => (Func<object?>)Generic(nameof(ReaderCore), column.Type.RawType).Invoke(null, Static, null, [row, column], null)!;

    public static object? Annotation(DataViewSchema.Column column, DataViewSchema.Column kind)
        => Generic(nameof(AnnotationCore), kind.Type.RawType).Invoke(null, Static, null, [column, kind.Name], null);

    public static bool Same(object? first, object? second)
        => first is Array a && second is Array b ? a.Cast<object>().SequenceEqual(b.Cast<object>()) : Equals(first, second);

    public static string Show(object? value) => value is Array items ? "[" + string.Join(", ", items.Cast<object>()) + "]" : $"{value}";

    private static MethodInfo Generic(string name, params Type[] types)
        => typeof(CellValue).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(types);

    private static Func<object?> ReaderCore<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default!;
            getter(ref value);
            return Canonical(value);
        };
    }

    private static object? AnnotationCore<T>(DataViewSchema.Column column, string kind)
    {
        T value = default!;
        column.Annotations.GetValue(kind, ref value);
        return Canonical(value);
    }

    private static object? Canonical<T>(T value)
    {
        if (value is ReadOnlyMemory<char> text)
        {
            return text.ToString();
        }

        return typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? Generic(nameof(Items), typeof(T).GetGenericArguments()).Invoke(null, [value])
            : value;
    }

    private static object?[] Items<T>(VBuffer<T> value) => value.DenseValues().Select(item => Canonical(item)).ToArray();
}
