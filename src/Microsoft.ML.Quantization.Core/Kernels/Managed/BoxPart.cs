namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The pixels [PixelBegin, PixelEnd) of one box of equal taps, counted in (image, depth, height, width) inside the box.</summary>
internal readonly record struct BoxPart(AxisClass Depth, AxisClass Height, AxisClass Width, int PixelBegin, int PixelEnd);
