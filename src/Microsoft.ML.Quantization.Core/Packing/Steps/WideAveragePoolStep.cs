using System;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Means of windows of 16-bit codes, channels last, in codes of 16 or 8 bits: the sum of a window's codes a channel, then the rule of the node, with the count of the taps inside.</summary>
internal sealed unsafe class WideAveragePoolStep : BoundStep
{
    private const int StackTaps = 256;
    private const int Square = 4;
    private const int WorkPerTap = 16 * sizeof(short);

    private readonly ConvolutionGeometry _geometry;
    private readonly AverageRule _rule;
    private readonly bool _isByte;
    private readonly int _source;
    private readonly int _destination;

    public WideAveragePoolStep(BindContext context, ConvolutionGeometry geometry, AverageRule rule, bool isByte, int source, int destination)
    {
        (_geometry, _rule, _isByte, _source, _destination) = (geometry, rule, isByte, source, destination);
        Chunks = context.Chunks(geometry.OutPixels, (long)geometry.OutPixels * geometry.Taps * geometry.InChannels * WorkPerTap);
        Work = KernelWork.Of(KernelOperation.AveragePoolWide, 16, geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        (ConvolutionGeometry g, int width) = (_geometry, _geometry.OutWidth);
        Span<int> taps = g.Taps > StackTaps ? new int[g.Taps] : stackalloc int[g.Taps];
        (int left, int right) = Whole(g);
        fixed (short* x = buffers.Span<short>(_source))
        fixed (byte* y = buffers.Bytes(_destination, _isByte ? 1 : sizeof(short)))
        {
            int end = Begin(g.OutPixels, chunk + 1);
            for (int pixel = Begin(g.OutPixels, chunk), count; pixel < end; pixel += count)
            {
                int column = pixel % width;
                count = column < left || column >= right ? 1 : Math.Min(end - pixel, right - column);
                Write(x, taps[..Locate(pixel, taps)], y, pixel, count);
            }
        }
    }

    /// <summary>The columns whose windows lie between the edges: next to each other, they differ by their place alone.</summary>
    private static (int Left, int Right) Whole(in ConvolutionGeometry g)
    {
        int left = (g.PadWidth + g.StrideWidth - 1) / g.StrideWidth;
        int last = g.InWidth + g.PadWidth - 1 - ((g.KernelWidth - 1) * g.DilationWidth);
        return (left, last < 0 ? 0 : Math.Min(g.OutWidth, (last / g.StrideWidth) + 1));
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

    /// <summary>Pixels of one row with the same taps, each a stride on.</summary>
    private void Write(short* source, ReadOnlySpan<int> taps, byte* destination, int pixel, int count)
    {
        int channels = _geometry.InChannels;
        var mean = new Mean(taps.Length * _rule.InputZeroPoint, _rule.Multiplier / (_rule.CountPadding ? _geometry.Taps : taps.Length), new CodeTail(_rule.ZeroPoint, _rule.Minimum, _rule.Maximum));
        int wide = channels - (channels % Lanes512.Count);
        for (int c = 0; c < wide; c += Lanes512.Count)
        {
            WriteColumn<Lanes512>(source + c, taps, mean, destination, (pixel * channels) + c, count);
        }

        for (int c = wide; c < channels; c++)
        {
            WriteColumn<Lanes1>(source + c, taps, mean, destination, (pixel * channels) + c, count);
        }
    }

    private void WriteColumn<TLanes>(short* source, ReadOnlySpan<int> taps, in Mean mean, byte* destination, int place, int count)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        (int channels, int step, bool isByte) = (_geometry.InChannels, _geometry.StrideWidth * _geometry.InChannels, _isByte);
        (TLanes start, TLanes multiplier, CodeTail tail) = (TLanes.CreateInt(-mean.Shift), TLanes.Create(mean.Multiplier), mean.Tail);
        for (int i = 0; i < count; i++, place += channels, source += step)
        {
            TLanes sum = taps.Length == Square ? Four<TLanes>(source, taps, start) : start;
            for (int tap = taps.Length == Square ? Square : 0; tap < taps.Length; tap++)
            {
                sum = TLanes.AddInt(sum, TLanes.LoadShorts(source + taps[tap]));
            }

            TLanes code = tail.Of((TLanes.ToFloat(sum) * multiplier) + TLanes.Create(0));
            if (isByte)
            {
                TLanes.StoreBytes(destination + place, code);
            }
            else
            {
                TLanes.StoreShorts((short*)destination + place, code);
            }
        }
    }

    /// <summary>The window of 2 × 2, which most networks have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Four<TLanes>(short* source, ReadOnlySpan<int> taps, TLanes start)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes upper = TLanes.AddInt(TLanes.LoadShorts(source + taps[0]), TLanes.LoadShorts(source + taps[1]));
        TLanes lower = TLanes.AddInt(TLanes.LoadShorts(source + taps[2]), TLanes.LoadShorts(source + taps[3]));
        return TLanes.AddInt(TLanes.AddInt(start, upper), lower);
    }

    /// <summary>The numbers of one window.</summary>
    private readonly record struct Mean(int Shift, float Multiplier, CodeTail Tail);
}
