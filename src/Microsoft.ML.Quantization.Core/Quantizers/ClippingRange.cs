namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>The reals [Low, High] that a quantizer is to represent; what lies outside saturates.</summary>
/// <param name="Low">Lower end; finite, not above <paramref name="High"/>.</param>
/// <param name="High">Upper end; finite.</param>
public readonly record struct ClippingRange(double Low, double High)
{
    /// <summary>The larger magnitude of the two ends.</summary>
    public double Bound => System.Math.Max(System.Math.Abs(Low), System.Math.Abs(High));

    /// <summary>The smallest range that holds both.</summary>
    public ClippingRange Union(ClippingRange other) => new(System.Math.Min(Low, other.Low), System.Math.Max(High, other.High));
}
