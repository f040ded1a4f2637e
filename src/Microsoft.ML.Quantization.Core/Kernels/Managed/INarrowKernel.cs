namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Runs tiles of dense layers with narrow weights.</summary>
internal unsafe interface INarrowKernel
{
    /// <summary>Multiplies and writes the outputs.</summary>
    public void Run(NarrowTile* tile);
}
