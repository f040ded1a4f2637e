using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>A place where activations become codes: the value of the float graph whose distribution counts, and the codes wanted there. One value may have several (a stream and a layer's operand).</summary>
/// <param name="ValueName">The value's name in the float graph.</param>
/// <param name="Code">Type of the codes.</param>
/// <param name="Range">The codes in use.</param>
/// <param name="Symmetric">Whether the zero point is the middle of <paramref name="Range"/>.</param>
public sealed record ActivationSite(string ValueName, CodeType Code, IntegerRange Range, bool Symmetric)
{
    /// <summary>The quantizer of this site for a range of reals.</summary>
    public AffineQuantization Quantizer(ClippingRange range)
    {
        AffineParameters parameters = Symmetric ? AffineParameters.Symmetric(range.Bound, Range) : AffineParameters.Asymmetric(range.Low, range.High, Range);
        return AffineQuantization.PerTensor(Code, Range, parameters);
    }
}
