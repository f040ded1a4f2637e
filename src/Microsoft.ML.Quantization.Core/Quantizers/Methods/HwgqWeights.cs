using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Weights of half-wave Gaussian networks (Cai et al., 2017, section 3): mean|w| of each output channel times sign(w), sign(0) = 1; the gradient passes unchanged, mean|w| is constant.</summary>
public sealed record HwgqWeights : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "HWGQ-W";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    /// <summary>Each output channel.</summary>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override object Prepare(MethodCall call)
    {
        var sizes = new float[call.X.Shape[0]];
        int length = call.Values.Length / sizes.Length;
        for (int channel = 0; channel < sizes.Length; channel++)
        {
            double mean = FloatReduction.SumAbsolute(call.Values.Slice(channel * length, length)) / (double)length;
            sizes[channel] = Math.Max((float)mean, UniformGrid.SmallestStep);
        }

        return sizes;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var sizes = (float[])prepared!;
        UniformGrid.Sign(call.Values.Slice(begin, y.Length), sizes[begin / (call.Values.Length / sizes.Length)], y);
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call) => HardForms.OfWeights(call.X, HardForms.MidRise(1, (float[])Prepare(call)));
}
