using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Means of windows of 16-bit codes, channels last, in codes of 16 or 8 bits: the sum of a window's codes a channel, then the rule of the node, with the count of the taps inside.</summary>
internal sealed unsafe class WideAveragePoolStep : BoundStep
{
    private const int StackTaps = 256;

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
        Span<int> taps = _geometry.Taps > StackTaps ? new int[_geometry.Taps] : stackalloc int[_geometry.Taps];
        ReadOnlySpan<short> source = buffers.Span<short>(_source);
        for (int pixel = Begin(_geometry.OutPixels, chunk); pixel < Begin(_geometry.OutPixels, chunk + 1); pixel++)
        {
            int inside = Locate(pixel, taps);
            var mean = new Mean(inside * _rule.InputZeroPoint, _rule.Multiplier / (_rule.CountPadding ? _geometry.Taps : inside), new CodeTail(_rule.ZeroPoint, _rule.Minimum, _rule.Maximum));
            fixed (short* x = source)
            fixed (byte* y = buffers.Bytes(_destination, _isByte ? 1 : sizeof(short)))
            {
                int wide = channels - (channels % Lanes512.Count);
                Write<Lanes512>(x, taps[..inside], mean, y, pixel * channels, 0, wide);
                Write<Lanes1>(x, taps[..inside], mean, y, pixel * channels, wide, channels);
            }
        }
    }

    /// <summary>The places of the taps inside; gives how many those are.</summary>
    private int Locate(int pixel, Span<int> taps)
    {
        ConvolutionGeometry g = _geometry;
        int width = pixel % g.OutWidth;
        int height = pixel / g.OutWidth % g.OutHeight;
        int image = pixel / g.OutWidth / g.OutHeight;
        int count = 0;
        for (int h = 0; h < g.KernelHeight; h++)
        {
            int y = (height * g.StrideHeight) - g.PadHeight + (h * g.DilationHeight);
            for (int w = 0; w < g.KernelWidth; w++)
            {
                int x = (width * g.StrideWidth) - g.PadWidth + (w * g.DilationWidth);
                if ((uint)y < (uint)g.InHeight && (uint)x < (uint)g.InWidth)
                {
                    taps[count++] = ((((image * g.InHeight) + y) * g.InWidth) + x) * g.InChannels;
                }
            }
        }

        return count;
    }

    private void Write<TLanes>(short* source, ReadOnlySpan<int> taps, in Mean mean, byte* destination, int place, int begin, int end)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        for (int c = begin; c < end; c += TLanes.Count)
        {
            TLanes sum = TLanes.CreateInt(-mean.Shift);
            foreach (int tap in taps)
            {
                sum = TLanes.AddInt(sum, TLanes.LoadShorts(source + tap + c));
            }

            TLanes code = mean.Tail.Of((TLanes.ToFloat(sum) * TLanes.Create(mean.Multiplier)) + TLanes.Create(0));
            if (_isByte)
            {
                TLanes.StoreBytes(destination + place + c, code);
            }
            else
            {
                TLanes.StoreShorts((short*)destination + place + c, code);
            }
        }
    }

    /// <summary>The numbers of one window.</summary>
    private readonly record struct Mean(int Shift, float Multiplier, CodeTail Tail);
}
