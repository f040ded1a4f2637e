using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What a trained quantizer is to the engine.</summary>
public abstract record HardForm
{
    /// <summary>Activations on a uniform grid: code = Quantizer of x.</summary>
    /// <param name="Quantizer">Per tensor.</param>
    public sealed record Uniform(AffineQuantization Quantizer) : HardForm;

    /// <summary>Activations on any levels: y = Levels[#{i : x ≥ Thresholds[i]}].</summary>
    /// <param name="Thresholds">Ascending; one fewer than levels.</param>
    /// <param name="Levels">Ascending.</param>
    public sealed record Staircase(ImmutableArray<float> Thresholds, ImmutableArray<float> Levels) : HardForm;

    /// <summary>Weights: the sum of one or more planes of codes.</summary>
    /// <param name="Planes">Codes of the shape of the weights, each with its quantizer (per tensor or along axis 0).</param>
    public sealed record Weights(ImmutableArray<WeightPlane> Planes) : HardForm;
}

/// <summary>One term of quantized weights.</summary>
/// <param name="Codes">The codes.</param>
/// <param name="Quantizer">What they stand for.</param>
public sealed record WeightPlane(Tensor Codes, AffineQuantization Quantizer);
