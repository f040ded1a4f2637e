using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Means of windows of 16-bit codes, channels last, in codes of 16 or 8 bits: the sum of a window's codes a channel, then the rule of the node, with the count of the taps inside.</summary>
internal sealed class WideAveragePoolStep : BoundStep
{
    private readonly ConvolutionGeometry _geometry;
    private readonly AverageRule _rule;
    private readonly bool _isByte;
    private readonly int _source;
    private readonly int _destination;

    public WideAveragePoolStep(BindContext context, ConvolutionGeometry geometry, AverageRule rule, bool isByte, int source, int destination)
    {
        (_geometry, _rule, _isByte, _source, _destination) = (geometry, rule, isByte, source, destination);
        Chunks = context.Chunks(geometry.OutPixels, (long)geometry.OutPixels * geometry.Taps * geometry.InChannels);
        Work = KernelWork.Of(KernelOperation.AveragePoolWide, 16, geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int channels = _geometry.InChannels;
        ReadOnlySpan<short> source = buffers.Span<short>(_source);
        int[] sums = System.Buffers.ArrayPool<int>.Shared.Rent(2 * channels);
        for (int pixel = Begin(_geometry.OutPixels, chunk); pixel < Begin(_geometry.OutPixels, chunk + 1); pixel++)
        {
            Span<int> sum = sums.AsSpan(0, channels);
            int count = Sum(source, pixel, sum, sums.AsSpan(channels, channels));
            int taps = _rule.CountPadding ? _geometry.Taps : count;
            CodeMath.Requantize(sum, _rule.Multiplier / taps, 0, new CodeTail(_rule.ZeroPoint, _rule.Minimum, _rule.Maximum));
            if (_isByte)
            {
                CodeRuns.Narrow(sum, buffers.Span<byte>(_destination).Slice(pixel * channels, channels));
            }
            else
            {
                CodeRuns.Narrow(sum, buffers.Span<short>(_destination).Slice(pixel * channels, channels));
            }
        }

        System.Buffers.ArrayPool<int>.Shared.Return(sums);
    }

    /// <summary>Σ (x − zx) of each channel over the taps inside; gives how many those are.</summary>
    private int Sum(ReadOnlySpan<short> source, int pixel, Span<int> sum, Span<int> row)
    {
        ConvolutionGeometry g = _geometry;
        int width = pixel % g.OutWidth;
        int height = pixel / g.OutWidth % g.OutHeight;
        int image = pixel / g.OutWidth / g.OutHeight;
        sum.Clear();
        int count = 0;
        for (int tap = 0; tap < g.Taps; tap++)
        {
            int y = (height * g.StrideHeight) - g.PadHeight + (tap / g.KernelWidth * g.DilationHeight);
            int x = (width * g.StrideWidth) - g.PadWidth + (tap % g.KernelWidth * g.DilationWidth);
            if ((uint)y < (uint)g.InHeight && (uint)x < (uint)g.InWidth)
            {
                CodeRuns.Widen(source.Slice(((((image * g.InHeight) + y) * g.InWidth) + x) * g.InChannels, g.InChannels), row);
                CodeMath.AddTo(sum, row);
                count++;
            }
        }

        CodeMath.Subtract(sum, count * _rule.InputZeroPoint);
        return count;
    }
}
