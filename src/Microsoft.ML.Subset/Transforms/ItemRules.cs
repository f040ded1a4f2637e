using System;
using System.Collections.Generic;

namespace Microsoft.ML.Transforms;

/// <summary>Equality, order and missing value of items.</summary>
/// <typeparam name="T">The raw type.</typeparam>
internal static class ItemRules<T>
{
    public static IEqualityComparer<T> Comparer { get; } = typeof(T) == typeof(ReadOnlyMemory<char>)
        ? (IEqualityComparer<T>)(object)new TextRules()
        : EqualityComparer<T>.Default;

    public static IComparer<T> Order { get; } = typeof(T) == typeof(ReadOnlyMemory<char>)
        ? (IComparer<T>)(object)new TextRules()
        : Comparer<T>.Default;

    /// <summary>NaN for floating numbers, empty for text, else default.</summary>
    public static T Missing { get; } = typeof(T) == typeof(float) ? (T)(object)float.NaN
        : typeof(T) == typeof(double) ? (T)(object)double.NaN : default;

    /// <summary>Whether a value has no key: NaN and empty text.</summary>
    public static bool IsMissing(T value) => value switch
    {
        float f => float.IsNaN(f),
        double d => double.IsNaN(d),
        ReadOnlyMemory<char> text => text.IsEmpty,
        _ => false,
    };

    private sealed class TextRules : IEqualityComparer<ReadOnlyMemory<char>>, IComparer<ReadOnlyMemory<char>>
    {
        public bool Equals(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<char> obj) => string.GetHashCode(obj.Span);

        public int Compare(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
