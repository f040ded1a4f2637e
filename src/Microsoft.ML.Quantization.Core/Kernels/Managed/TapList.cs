using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// The taps of one channelwise window as offsets in values: those inside the image, in tap order, from the window's origin, and those in padding. Neighbouring
/// windows with the same taps keep the list and move the origin only.
/// </summary>
internal ref struct TapList
{
    /// <summary>Taps that callers keep on the stack.</summary>
    public const int StackTaps = 256;

    private readonly Span<long> _source;
    private readonly Span<long> _weights;
    private Window _window;
    private bool _filled;

    /// <summary>Creates an empty list over a buffer of <see cref="BufferLength"/>.</summary>
    public TapList(in ConvolutionGeometry g, Span<long> buffer)
    {
        _source = buffer[..g.Taps];
        _weights = buffer.Slice(g.Taps, g.Taps);
    }

    /// <summary>Number of taps inside the image.</summary>
    public int Inside { get; private set; }

    /// <summary>Input offset of tap (0, 0, 0) in its image, in values; may be negative.</summary>
    public long Origin { get; private set; }

    /// <summary>Input offsets of the taps inside.</summary>
    public readonly ReadOnlySpan<long> Source => _source[..Inside];

    /// <summary>Weight offsets: of the taps inside first, then of those in padding.</summary>
    public readonly ReadOnlySpan<long> Weights => _weights;

    /// <summary>Longs needed.</summary>
    public static int BufferLength(in ConvolutionGeometry g) => 2 * g.Taps;

    /// <summary>Takes the taps of a window.</summary>
    public void Take(in ConvolutionGeometry g, in Window window)
    {
        Origin = window.Pixel(g, 0, 0, 0) * g.InChannels;
        if (!_filled || !window.HasTapsOf(_window))
        {
            Fill(g, window);
        }

        _filled = true;
        _window = window;
    }

    private void Fill(in ConvolutionGeometry g, in Window window)
    {
        int inside = 0;
        int outside = window.Count;
        Inside = outside;
        int tap = 0;
        for (int kd = 0; kd < g.KernelDepth; kd++)
        {
            for (int kh = 0; kh < g.KernelHeight; kh++)
            {
                for (int kw = 0; kw < g.KernelWidth; kw++, tap++)
                {
                    if (window.Holds(kd, kh, kw))
                    {
                        long pixel = (((((long)kd * g.DilationDepth) * g.InHeight) + ((long)kh * g.DilationHeight)) * g.InWidth) + ((long)kw * g.DilationWidth);
                        _source[inside] = pixel * g.InChannels;
                        _weights[inside++] = (long)tap * g.OutChannels;
                    }
                    else
                    {
                        _weights[outside++] = (long)tap * g.OutChannels;
                    }
                }
            }
        }
    }
}
