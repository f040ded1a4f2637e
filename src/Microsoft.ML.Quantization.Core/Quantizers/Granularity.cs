namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>Which elements share quantization parameters.</summary>
public enum Granularity
{
    /// <summary>All elements.</summary>
    PerTensor = 0,

    /// <summary>Elements with the same index along one axis.</summary>
    PerAxis = 1,

    /// <summary>Runs of GroupSize elements along one axis; the last run may be short. Parameters have the tensor's shape with that axis divided, rounded up.</summary>
    PerGroup = 2,
}
