namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What a scheme decides for one convolution or dense layer.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Kind">Its node kind.</param>
/// <param name="WeightBits">Bits of its weights; 32 when it stays float.</param>
/// <param name="ActivationBits">Bits of its input; 32 when it stays float.</param>
/// <param name="IsFloat">Whether its arithmetic stays float.</param>
/// <param name="IsEdge">Whether it is a first or last layer.</param>
/// <param name="Reason">Why it differs from the scheme's own widths; empty when it does not.</param>
public sealed record LayerPlan(string Name, string Kind, int WeightBits, int ActivationBits, bool IsFloat, bool IsEdge, string Reason)
{
    /// <summary>The width that stands for float32.</summary>
    public const int FloatBits = 32;

    /// <summary>Run length of weights that share a scale; 0 where each output channel, or the tensor, has one.</summary>
    public int GroupSize { get; init; }
}
