using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Where a quantizer of a network in training can stand.</summary>
[Flags]
public enum QuantizerSites
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>On the latent weights of a layer.</summary>
    Weights = 1,

    /// <summary>On the input of a layer.</summary>
    Activations = 2,

    /// <summary>On the gradient of a layer's output; the way forward is untouched.</summary>
    Gradients = 4,
}
