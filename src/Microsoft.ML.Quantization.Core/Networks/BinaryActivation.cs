namespace Microsoft.ML.Quantization.Networks;

/// <summary>What stands behind a layer of a binary network, in front of its batch normalization.</summary>
public enum BinaryActivation
{
    /// <summary>Nothing: the sign of what follows is the nonlinearity.</summary>
    None = 0,

    /// <summary>max(x, 0), behind the batch normalization: for networks whose activations stay real.</summary>
    Rectifier = 1,

    /// <summary>PReLU with one slope a channel, from ¼, and one learned factor behind the last layer (Tang et al., 2017).</summary>
    PRelu = 2,
}
