namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// The products of one box of equal taps as runs of consecutive input values and weights: one run a tap, or one run a row of taps where
/// the taps of a row touch each other (one group, no dilation).
/// </summary>
internal readonly struct TapRuns
{
    public TapRuns(in ConvolutionGeometry g, in BoxPart part, int block)
    {
        bool joined = g.Groups == 1 && g.DilationWidth == 1;
        Depths = part.Depth.Taps;
        Heights = part.Height.Taps;
        Widths = joined ? (part.Width.Taps > 0 ? 1 : 0) : part.Width.Taps;
        Length = joined ? part.Width.Taps * g.GroupInChannels : g.GroupInChannels;
        SourceWidth = (long)g.DilationWidth * g.InChannels;
        SourceHeight = (long)g.DilationHeight * g.InWidth * g.InChannels;
        SourceDepth = (long)g.DilationDepth * g.InHeight * g.InWidth * g.InChannels;
        WeightWidth = (long)g.GroupInChannels * block;
        WeightHeight = WeightWidth * g.KernelWidth;
        WeightDepth = WeightHeight * g.KernelHeight;
        WeightBegin = (part.Depth.TapBegin * WeightDepth) + (part.Height.TapBegin * WeightHeight) + (part.Width.TapBegin * WeightWidth);
    }

    /// <summary>Planes of taps.</summary>
    public int Depths { get; }

    /// <summary>Rows of taps in a plane.</summary>
    public int Heights { get; }

    /// <summary>Runs in a row of taps.</summary>
    public int Widths { get; }

    /// <summary>Products of one run.</summary>
    public nint Length { get; }

    /// <summary>Input step between runs of a row, in values.</summary>
    public long SourceWidth { get; }

    /// <summary>Input step between rows of taps.</summary>
    public long SourceHeight { get; }

    /// <summary>Input step between planes of taps.</summary>
    public long SourceDepth { get; }

    /// <summary>Weight step between runs of a row, in values of the packed panel.</summary>
    public long WeightWidth { get; }

    /// <summary>Weight step between rows of taps.</summary>
    public long WeightHeight { get; }

    /// <summary>Weight step between planes of taps.</summary>
    public long WeightDepth { get; }

    /// <summary>The first tap's weights.</summary>
    public long WeightBegin { get; }
}
