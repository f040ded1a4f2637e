namespace Microsoft.ML.Quantization.Networks;

/// <summary>What the weights of layers are drawn from at first; n inputs reach one output and m outputs one input, both counted with the kernel.</summary>
public enum WeightStart
{
    /// <summary>Uniform in ±√(6 / n) (He et al., 2015, eq. 10, uniform form): what builders draw.</summary>
    HeUniform = 0,

    /// <summary>Normal of variance 2 / n (He et al., 2015): XNOR-Net and BWN.</summary>
    HeNormal = 1,

    /// <summary>Uniform in ±√(1.5 / (n + m)) (Courbariaux et al., 2015, after Glorot and Bengio, 2010): BinaryConnect with scaled signs, LAB, LAT and LAQ.</summary>
    GlorotUniform = 2,

    /// <summary>Normal of variance 2 / (n + m) (Glorot and Bengio, 2010): ResNetE and BinaryDenseNet.</summary>
    GlorotNormal = 3,

    /// <summary>Uniform in ±1: BinaryConnect and BNN, whose latent weights end there.</summary>
    Unit = 4,
}
