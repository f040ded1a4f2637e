using System;

namespace Microsoft.ML;

/// <summary>The exceptions whose wording callers rely on.</summary>
internal static class Errors
{
    internal const string MarkedKey = "ML_IsMarked";

    /// <summary>Marks an exception as raised by a component on purpose.</summary>
    public static TException Mark<TException>(TException ex)
        where TException : Exception
    {
        ex.Data[MarkedKey] = 1;
        return ex;
    }

    public static bool IsMarked(Exception ex) => ex.Data.Contains(MarkedKey);

    public static Exception MissingColumn(string parameter, string role, string column)
        => Mark(new ArgumentOutOfRangeException(parameter, $"Could not find {role} column '{column}'"));

    public static Exception Mismatch(string parameter, string role, string column, string expected, string actual)
        => Mark(new ArgumentOutOfRangeException(parameter, $"Schema mismatch for {role} column '{column}': expected {expected}, got {actual}"));

    public static Exception OutOfRange(string parameter, string message) => Mark(new ArgumentOutOfRangeException(parameter, message));

    public static Exception Decode(string message) => Mark(new FormatException(message));

    public static Exception InvalidGetter(Type asked, Type expected)
        => Mark(new InvalidOperationException($"Invalid TValue in GetGetter: '{asked}', expected type: '{expected}'."));

    public static Exception Inactive(string column)
        => Mark(new InvalidOperationException($"Column '{column}' is not active"));
}
