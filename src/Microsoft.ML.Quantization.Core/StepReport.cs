namespace Microsoft.ML.Quantization;

/// <summary>How one step of a model runs on this machine.</summary>
/// <param name="Layer">Name of the step.</param>
/// <param name="Operation">What the step does.</param>
/// <param name="Bits">Bits of weights and activations (for example W8A8), f32, or empty.</param>
/// <param name="KernelSet">Name of the kernel set.</param>
/// <param name="Reason">Why it runs this way.</param>
/// <param name="AccumulatorBound">Largest magnitude the int32 accumulator can reach with the layer's real weights; 0 where there is none.</param>
/// <param name="AccumulatorLimit">What the accumulator can hold; 0 where there is none.</param>
/// <param name="WeightBytes">Bytes of packed weights that the step reads.</param>
/// <param name="ArenaBytes">Bytes that the step writes into the arena for one row.</param>
public sealed record StepReport(string Layer, string Operation, string Bits, string KernelSet, string Reason, long AccumulatorBound, long AccumulatorLimit, long WeightBytes, long ArenaBytes)
{
    /// <summary>
    /// Why this kernel set: <c>forced</c>; or <c>measured</c>, by the throughput table of this processor; or <c>modelled</c>, by counted instructions, where nobody has measured it. With the time
    /// expected of one row on one thread. The choice never changes a bit.
    /// </summary>
    public string Choice { get; init; } = string.Empty;

    /// <summary>Median time of the step, all threads together, in ms; null where nothing was measured.</summary>
    public double? Milliseconds { get; init; }
}
