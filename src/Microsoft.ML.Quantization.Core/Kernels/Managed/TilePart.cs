namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Output pixels [PixelBegin, PixelEnd) and channel blocks [BlockBegin, BlockEnd) of one group.</summary>
internal readonly record struct TilePart(int Group, int PixelBegin, int PixelEnd, int BlockBegin, int BlockEnd);
