namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Runs tiles of layers over bit planes.</summary>
internal unsafe interface IPlaneKernel
{
    /// <summary>Counts, adds constants and bias, and writes the outputs of tiles over the same panels; a panel serves all of them before the next one is touched.</summary>
    public void Run(PlaneTile* tiles, int count);
}
