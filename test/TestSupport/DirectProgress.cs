using System;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Tells of progress at once and on the same thread, as <see cref="Progress{T}"/> does not.</summary>
public sealed class DirectProgress<T>(Action<T> report) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => report(value);
}
