namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Whether convolutions over signs are multiplied by the mean size of what each place sees (Rastegari et al., 2016, section 3.2), and how such a map takes part in the gradient.</summary>
public enum ScaleMaps
{
    /// <summary>No maps, as in the authors' released code.</summary>
    None = 0,

    /// <summary>Maps that are constants to training: ∂loss/∂x comes through the signs alone, multiplied by K.</summary>
    Constant = 1,

    /// <summary>Maps that are differentiated: ∂loss/∂|x| gains, of each place that sees it, g·s summed over the output channels, divided by kh·kw·C.</summary>
    Differentiated = 2,
}
