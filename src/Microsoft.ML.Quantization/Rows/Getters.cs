using System;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>The host's rules for asking a row for a getter.</summary>
internal static class Getters
{
    public static bool IsActive(ScoreMapping mapping, bool[] active, DataViewSchema.Column column)
        => column.Index < active.Length && mapping.OutputSchema[column.Index].Name == column.Name
            ? active[column.Index]
            : throw new ArgumentException($"Column '{column.Name}' does not belong to this row.", nameof(column));

    public static void Check<TValue>(ScoreMapping mapping, bool[] active, DataViewSchema.Column column)
    {
        if (!IsActive(mapping, active, column))
        {
            throw new InvalidOperationException($"Column '{column.Name}' was not asked for when this row was made.");
        }

        if (mapping.OutputSchema[column.Index].Type.RawType != typeof(TValue))
        {
            throw WrongType<TValue>(mapping.OutputSchema[column.Index]);
        }
    }

    public static ValueGetter<TValue> Cast<TValue>(Delegate getter, DataViewSchema.Column column) => getter as ValueGetter<TValue> ?? throw WrongType<TValue>(column);

    private static InvalidOperationException WrongType<TValue>(DataViewSchema.Column column)
        => new($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{column.Type.RawType}'.");
}
