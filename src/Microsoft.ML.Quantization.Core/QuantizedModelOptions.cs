namespace Microsoft.ML.Quantization;

/// <summary>How a <see cref="QuantizedModel"/> runs. None of it changes a bit of the results.</summary>
public sealed record QuantizedModelOptions
{
    /// <summary>Threads of one run, the caller included; 0 for all processors. Clamped to [1, processors].</summary>
    public int ThreadCount { get; init; }

    /// <summary>Name of the kernel set; null for the registry's active one.</summary>
    public string? KernelSet { get; init; }

    /// <summary>Most bytes that the activations of one run may take; a few rows of working memory for each thread come on top.</summary>
    public long MaximumArenaBytes { get; init; } = 4L << 30;
}
