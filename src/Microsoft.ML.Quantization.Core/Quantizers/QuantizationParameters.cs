using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>Fitted parameters that map reals to codes and back.</summary>
public abstract record QuantizationParameters
{
    /// <summary>The type of the codes.</summary>
    public required CodeType Code { get; init; }

    /// <summary>The codes in use; a part of the type's range (a narrow range leaves the lowest out).</summary>
    public required IntegerRange Range { get; init; }

    /// <summary>Which elements share parameters.</summary>
    public required Granularity Granularity { get; init; }

    /// <summary>The axis of <see cref="Granularity.PerAxis"/> and <see cref="Granularity.PerGroup"/>.</summary>
    public int Axis { get; init; }

    /// <summary>The run length of <see cref="Granularity.PerGroup"/>.</summary>
    public int GroupSize { get; init; }
}
