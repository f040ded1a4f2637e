namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Sums of a few pixels over neighbouring output channels, and where they go.</summary>
/// <param name="Count">Pixels.</param>
/// <param name="Stride">Sums from one pixel to the next.</param>
/// <param name="Channel">The first output channel.</param>
/// <param name="Width">Output channels.</param>
/// <param name="Index">Place of the first pixel's first channel in the destination.</param>
/// <param name="Step">From one pixel to the next in the destination.</param>
internal readonly record struct SumRows(int Count, int Stride, int Channel, int Width, long Index, long Step);
