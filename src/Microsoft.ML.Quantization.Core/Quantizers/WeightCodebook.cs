using System;
using System.Globalization;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>
/// The part of a scheme that makes weights codes of a codebook (vector quantization with scalar codewords; Gong et al., 2014; Han, Mao, Dally, 2016). A layer of b bits has books of 2^b
/// levels. Layers of 8 bits with integer levels keep uniform codes: those have every level such a book could hold.
/// </summary>
public sealed record WeightCodebook
{
    /// <summary>How levels are found.</summary>
    public CodebookMethod Method { get; init; }

    /// <summary>Whether levels are floats; such layers run in float on decoded weights. Otherwise levels are signed bytes times the scale of the output channel, and layers run on integers.</summary>
    public bool RealLevels { get; init; }

    /// <summary>Neighbouring output channels that share a book; 0 when a layer has one book.</summary>
    public int ChannelsPerBook { get; init; }

    /// <summary>
    /// Whether an error counts h = E[x²] of the input channel that the weight multiplies: the diagonal of the Hessian of the layer's squared output error (Choi, El-Khamy, Lee, 2017, with
    /// that Hessian). h is at least a thousandth of its mean. Needs calibration rows; without them all weights count alike.
    /// </summary>
    public bool WeightedByInputs { get; init; } = true;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Method}/{(RealLevels ? "Float32" : "Int8")}/{ChannelsPerBook}{(WeightedByInputs ? "/inputs" : string.Empty)}");

    /// <summary>What is wrong with it, or null.</summary>
    internal string? Fault() => !Enum.IsDefined(Method) ? "a known method" : ChannelsPerBook < 0 ? "a number of channels from 0" : null;
}
