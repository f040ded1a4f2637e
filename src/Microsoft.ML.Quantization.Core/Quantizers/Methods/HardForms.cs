using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Makes the usual hard forms.</summary>
internal static class HardForms
{
    /// <summary>A grid around zero: real = step · code.</summary>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="signed">Whether codes are signed.</param>
    /// <param name="range">Codes in use.</param>
    /// <param name="steps">One step, or one an output channel.</param>
    public static AffineQuantization Symmetric(int bits, bool signed, IntegerRange range, ReadOnlySpan<float> steps)
        => Grid(new CodeType(new BitWidth(bits), signed), range, steps);

    /// <summary>2^k levels around zero without zero among them: real = step · (2·code − (2^k − 1)).</summary>
    /// <param name="bits">k.</param>
    /// <param name="steps">One step, or one an output channel.</param>
    public static AffineQuantization MidRise(int bits, ReadOnlySpan<float> steps)
        => Grid(new CodeType(new BitWidth(bits), false, CodeSpace.MidRise), IntegerRange.Unsigned(bits), steps);

    /// <summary>Weights that are one plane of codes, found by encoding.</summary>
    public static HardForm.Weights OfWeights(Tensor weights, AffineQuantization quantizer) => OfCodes(quantizer.Encode(weights), quantizer);

    /// <summary>Weights that are one plane of given codes.</summary>
    public static HardForm.Weights OfCodes(Tensor codes, AffineQuantization quantizer) => new([new WeightPlane(codes, quantizer)]);

    private static AffineQuantization Grid(CodeType code, IntegerRange range, ReadOnlySpan<float> steps) => new()
    {
        Code = code,
        Range = range,
        Granularity = steps.Length == 1 ? Granularity.PerTensor : Granularity.PerAxis,
        Axis = 0,
        Scales = [.. steps],
        ZeroPoints = ImmutableArray.Create(new int[steps.Length]),
    };
}
