using System;

namespace Microsoft.ML.Quantization;

/// <summary>
/// The one family of errors that this library raises for bad models, data and options. The message always says
/// what is wrong, where, what was expected, what was found and the way out.
/// </summary>
public sealed class QuantizationException : Exception
{
    /// <summary>Creates an error with a stable <paramref name="code"/>.</summary>
    /// <param name="code">The stable code; callers may switch on it.</param>
    /// <param name="message">What, where, expected, found, the way out.</param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public QuantizationException(QuantizationErrorCode code, string message, Exception? innerException = null)
        : base($"Q{(int)code}: {message}", innerException) => Code = code;

    /// <summary>The stable code of this error. It prints as <c>Q</c> followed by its number.</summary>
    public QuantizationErrorCode Code { get; }
}
