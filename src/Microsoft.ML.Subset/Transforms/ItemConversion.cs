using System;
using System.Collections.Generic;
using System.Globalization;
using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>Conversions between numbers, Boolean and text.</summary>
internal static class ItemConversion
{
    /// <summary>Whether there is a conversion; keys count as their raw numbers.</summary>
    public static bool Exists(DataViewType source, DataViewType destination)
        => source.RawType == destination.RawType || (IsConvertible(source) && IsConvertible(destination));

    public static Delegate MakeGetter<TSource, TDestination>(DataViewRow row, DataViewSchema.Column column)
    {
        var convert = (Func<TSource, TDestination>)Find(typeof(TSource), typeof(TDestination));
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<TSource> getter = row.GetGetter<TSource>(column);
            TSource source = default;
            return (ValueGetter<TDestination>)((ref TDestination value) =>
            {
                getter(ref source);
                value = convert(source);
            });
        }

        ValueGetter<VBuffer<TSource>> vector = row.GetGetter<VBuffer<TSource>>(column);
        VBuffer<TSource> buffer = default;
        return (ValueGetter<VBuffer<TDestination>>)((ref VBuffer<TDestination> value) =>
        {
            vector(ref buffer);
            VBufferEditor<TDestination> editor = VBufferEditor.Create(ref value, buffer.Length);
            foreach (KeyValuePair<int, TSource> item in buffer.Items(all: true))
            {
                editor.Values[item.Key] = convert(item.Value);
            }

            value = editor.Commit();
        });
    }

    private static bool IsConvertible(DataViewType type)
        => type is NumberDataViewType or BooleanDataViewType or TextDataViewType or KeyDataViewType;

    private static object Find(Type source, Type destination)
    {
        string method = (Class(source), Class(destination)) switch
        {
            ('n', 'n') => nameof(NumberToNumber),
            ('b', 'n') => nameof(BooleanToNumber),
            ('t', 'n') => nameof(TextToNumber),
            ('n', 'b') => nameof(NumberToBoolean),
            _ => null,
        };
        if (source == destination)
        {
            return TypedCall.Invoke(typeof(ItemConversion), nameof(Same), [source]);
        }

        if (method != null)
        {
            Type[] types = method is nameof(NumberToNumber) ? [source, destination] : Class(destination) == 'n' ? [destination] : [source];
            return TypedCall.Invoke(typeof(ItemConversion), method, types);
        }

        return destination == typeof(bool)
            ? (Func<ReadOnlyMemory<char>, bool>)(text => bool.TryParse(text.Span, out bool value) && value)
            : TypedCall.Invoke(typeof(ItemConversion), nameof(ToText), [source]);
    }

    private static char Class(Type type) => type == typeof(bool) ? 'b' : type == typeof(ReadOnlyMemory<char>) ? 't' : 'n';

    private static Func<T, T> Same<T>() => value => value;

    private static Func<TSource, TDestination> NumberToNumber<TSource, TDestination>()
        where TSource : INumberBase<TSource>
        where TDestination : INumberBase<TDestination>
        => value => TDestination.CreateTruncating(value);

    private static Func<bool, T> BooleanToNumber<T>()
        where T : INumberBase<T>
        => value => value ? T.One : T.Zero;

    private static Func<ReadOnlyMemory<char>, T> TextToNumber<T>()
        where T : INumberBase<T>
        => text => T.TryParse(text.Span, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) ? value : ItemRules<T>.Missing;

    private static Func<T, bool> NumberToBoolean<T>()
        where T : INumberBase<T>
        => value => !T.IsZero(value) && !T.IsNaN(value);

    private static Func<T, ReadOnlyMemory<char>> ToText<T>()
        => value => string.Create(CultureInfo.InvariantCulture, $"{value}").AsMemory();
}
