namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>A clamp fused behind an operation: y = x &lt; Low ? Low : x &gt; High ? High : x (NaN passes). ReLU is [0, ∞).</summary>
/// <param name="Low">Lower bound, −∞ for none.</param>
/// <param name="High">Upper bound, +∞ for none.</param>
public readonly record struct Activation(float Low, float High)
{
    /// <summary>No clamp.</summary>
    public static Activation None { get; } = new(float.NegativeInfinity, float.PositiveInfinity);

    /// <summary>max(x, 0).</summary>
    public static Activation Relu { get; } = new(0, float.PositiveInfinity);

    /// <summary>Whether nothing is clamped.</summary>
    public bool IsNone => this == None;

    internal void Describe(NodeAttributes attributes) => attributes.Set("low", Low).Set("high", High);

    internal static Activation Read(NodeAttributes attributes) => new(attributes.Float("low"), attributes.Float("high"));
}
