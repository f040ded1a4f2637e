using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// Integer weights made ready: the values of each output channel's codes in [O][taps][I/g], as the kernel's signed bytes where all fit. Made once a constant.
/// </summary>
internal sealed class IntegerProductPlan
{
    private readonly long[] _sums;
    private readonly long[] _sizes;

    private IntegerProductPlan(OperatorCall call, in ConvolutionGeometry geometry)
    {
        Weights = Shifted(call, geometry);
        (_sums, _sizes) = Totals(Weights, geometry.Depth);
        if (Array.TrueForAll(Weights, w => w is >= sbyte.MinValue and <= sbyte.MaxValue))
        {
            sbyte[] bytes = Array.ConvertAll(Weights, w => (sbyte)w);
            if (geometry.IsDepthwise)
            {
                DepthwiseWeights = ConvolutionOperators.TapsFirst<sbyte>(bytes, geometry);
            }
            else
            {
                Packed = call.Kernels.PackConvolutionByte(geometry, bytes);
            }
        }
    }

    /// <summary>The values, [O][taps][I/g].</summary>
    public int[] Weights { get; }

    /// <summary>The same for the kernel; null when it does not fit, and for depthwise layers.</summary>
    public PackedWeights? Packed { get; }

    /// <summary>The same for the depthwise kernel, [taps][C]; null otherwise.</summary>
    public sbyte[]? DepthwiseWeights { get; }

    /// <summary>The plan of a node whose input 1 is a constant.</summary>
    public static IntegerProductPlan Of(OperatorCall call, ConvolutionGeometry geometry)
    {
        AffineQuantization quantizer = call.Graph[call.Node.Inputs[1]].Type.Quantization!;
        return WeightCache.Get(call.Inputs[1], call.Kernels, (geometry.Groups, geometry.InChannels, quantizer), () => new IntegerProductPlan(call, geometry));
    }

    /// <summary>
    /// Bias − z·Σw of each channel for kernels that sum Σ x·w over unsigned bytes x, or null when the kernel cannot be proved to stay inside int32: |bias − z·Σw| + 255·Σ|w| &lt; 2^31.
    /// </summary>
    public int[]? FoldedBias(ReadOnlySpan<int> bias, int zeroPoint)
    {
        if (Packed is null && DepthwiseWeights is null)
        {
            return null;
        }

        var folded = new int[_sums.Length];
        for (int o = 0; o < folded.Length; o++)
        {
            long value = (bias.IsEmpty ? 0 : bias[o]) - (zeroPoint * _sums[o]);
            if (Math.Abs(value) + (255 * _sizes[o]) > int.MaxValue)
            {
                return null;
            }

            folded[o] = (int)value;
        }

        return folded;
    }

    private static int[] Shifted(OperatorCall call, in ConvolutionGeometry geometry)
    {
        AffineQuantization quantizer = call.Graph[call.Node.Inputs[1]].Type.Quantization!;
        var weights = new int[call.Inputs[1].Shape.Count];
        CodeRuns.Read(call.Inputs[1], 0, weights);
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = quantizer.ValueOf(call.Inputs[1].Shape, i, weights[i]);
        }

        return ConvolutionOperators.ChannelsLastWeights<int>(weights, geometry);
    }

    private static (long[] Sums, long[] Sizes) Totals(int[] weights, int depth)
    {
        var sums = new long[weights.Length / depth];
        var sizes = new long[sums.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            sums[i / depth] += weights[i];
            sizes[i / depth] += Math.Abs((long)weights[i]);
        }

        return (sums, sizes);
    }
}
