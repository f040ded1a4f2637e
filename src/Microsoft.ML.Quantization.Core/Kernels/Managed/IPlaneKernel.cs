namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Runs tiles of layers over bit planes.</summary>
internal unsafe interface IPlaneKernel
{
    /// <summary>Counts, adds constants and bias, and writes the outputs of one tile.</summary>
    public void Run(PlaneTile* tile);
}
