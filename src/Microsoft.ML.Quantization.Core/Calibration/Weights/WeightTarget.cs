using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The codes that a weight tensor is fitted to.</summary>
public sealed record WeightTarget
{
    /// <summary>Type of the codes.</summary>
    public required CodeType Code { get; init; }

    /// <summary>The codes in use, 0 among them unless <see cref="IsSymmetric"/>.</summary>
    public required IntegerRange Range { get; init; }

    /// <summary>Whether the zero point is the middle of the codes; otherwise it follows the range.</summary>
    public bool IsSymmetric { get; init; } = true;

    /// <summary>Which elements share a scale.</summary>
    public Granularity Granularity { get; init; } = Granularity.PerAxis;

    /// <summary>The axis of channels or groups.</summary>
    public int Axis { get; init; }

    /// <summary>The run length of groups.</summary>
    public int GroupSize { get; init; }

    /// <summary>16: scales are rounded to half precision before codes are chosen, but for those outside of what halves hold in full; 32: floats.</summary>
    public int ScaleBits { get; init; } = 32;

    /// <summary>Whether <see cref="MeanSquaredErrorWeightFitter"/> refits the scales of symmetric codes of up to 4 bits by least squares.</summary>
    public bool LeastSquaresRefit { get; init; } = true;

    /// <summary>Signed codes without the lowest one, zero point 0, one scale an index of <paramref name="axis"/>.</summary>
    public static WeightTarget Symmetric(int bits, int axis = 0) => new()
    {
        Code = new CodeType(new BitWidth(bits), true),
        Range = IntegerRange.SignedNarrow(bits),
        Axis = axis,
    };

    /// <summary>Scale and zero point for a clipping range.</summary>
    internal AffineParameters Parameters(ClippingRange range) => Rounded(new RangeTarget(Range, IsSymmetric).Parameters(range));

    /// <summary>The parameters with a scale of <see cref="ScaleBits"/>.</summary>
    internal AffineParameters Rounded(AffineParameters parameters)
    {
        const float SmallestNormalHalf = 1f / (1 << 14);
        var half = (Half)parameters.Scale;
        return ScaleBits == 16 && parameters.Scale >= SmallestNormalHalf && Half.IsFinite(half) ? parameters with { Scale = (float)half } : parameters;
    }
}
