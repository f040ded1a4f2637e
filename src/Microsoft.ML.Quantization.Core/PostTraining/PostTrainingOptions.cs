using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>What <see cref="PostTrainingQuantizer"/> does.</summary>
public sealed record PostTrainingOptions
{
    /// <summary>The scheme.</summary>
    public QuantizationScheme Scheme { get; init; } = QuantizationScheme.EightBits;

    /// <summary>What happens to calibration rows with NaN or infinities.</summary>
    public NonFiniteRowPolicy NonFiniteRows { get; init; }

    /// <summary>Whether a network with quantizers may be quantized anew; its own quantizers are taken out first.</summary>
    public bool AllowQuantized { get; init; }

    /// <summary>Rows on which engine and interpreter must agree before a result is handed over, 1 to 1024.</summary>
    public int VerifiedRows { get; init; } = 2;

    /// <summary>What callers give and get; null for the graph's own inputs and outputs.</summary>
    public ModelSignature? Signature { get; init; }

    /// <summary>Names of the classes of the first output, if they are known.</summary>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>
    /// Statistics of rows seen elsewhere (an earlier run, other shards, merged); they count in before the batches, and with them batches may be left out. They must come from
    /// the same network, scheme and range method.
    /// </summary>
    public CalibrationResult? Statistics { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>, or the scheme's own errors.</exception>
    public PostTrainingOptions Validate()
    {
        Scheme.Validate();
        return VerifiedRows is >= 1 and <= 1024
            ? this
            : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{nameof(VerifiedRows)}: expected 1 to 1024, found {VerifiedRows}."));
    }
}
