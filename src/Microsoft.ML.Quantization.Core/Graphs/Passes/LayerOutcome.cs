namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What became of one convolution or dense layer.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Kind">Its node kind in the float graph.</param>
/// <param name="WeightBits">Bits of its stored weights; 32 for float.</param>
/// <param name="ActivationBits">Bits of its input; 32 for float.</param>
/// <param name="IsInteger">Whether it runs on integers.</param>
/// <param name="Reason">Why it runs in float, or in other widths than the scheme's; otherwise empty.</param>
/// <param name="Bound">The proved largest magnitude of its accumulators; 0 for a float layer.</param>
public sealed record LayerOutcome(string Name, string Kind, int WeightBits, int ActivationBits, bool IsInteger, string Reason, long Bound);
