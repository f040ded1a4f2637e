namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Who changes a parameter of a quantizer.</summary>
public enum ParameterRole
{
    /// <summary>The optimizer, by the gradient that the method gives.</summary>
    Learned = 0,

    /// <summary>The method itself: measured on the way forward, or rewritten behind a step.</summary>
    Measured = 1,
}

/// <summary>One parameter of a quantizer: a constant of the graph beside the weights.</summary>
/// <param name="Name">Short, for example <c>step</c>; the constant is named after the node and this.</param>
/// <param name="Width">Values for each group; 0 for one value for each element of x.</param>
/// <param name="Role">Who changes it.</param>
/// <param name="RateFactor">Multiplies the learning rate.</param>
/// <param name="Decay">λ of its own decay term λ·p; the decay of the weights never touches it.</param>
/// <param name="Minimum">Values are kept from falling below it.</param>
public sealed record MethodParameter(
    string Name, int Width = 1, ParameterRole Role = ParameterRole.Learned, float RateFactor = 1, float Decay = 0, float Minimum = float.NegativeInfinity);
