using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>How a layer over bit planes is cut into tiles: (group, box part of pixels, block of panels), panels innermost, so that the words to count are found once.</summary>
internal readonly struct PlanePlan
{
    /// <summary>Most pixels of a tile.</summary>
    public const int MostPixels = 512;

    private const int FewestPixels = 96;
    private const int FewRows = 4;

    /// <summary>Counts of 32 words wanted of a tile: some microseconds at the rate of the quickest set.</summary>
    private const long Work = 16384;

    /// <summary>What writing an output costs, in counts.</summary>
    private const int Finish = 12;

    public PlanePlan(in PlaneGeometry geometry)
    {
        ConvolutionGeometry g = geometry.Convolution;
        PlanePairing pairing = new(geometry);
        long cost = ((long)PlaneWeights.Steps(g) * geometry.SourceBits * pairing.WeightPlanes) + Finish;
        Panels = PlaneWeights.Panels(g);
        Pixels = (int)Math.Clamp(Work / (cost * Panels), FewestPixels, MostPixels);

        // Boxes at the border are small: a tile has half as many pixels as it might.
        int pixels = Math.Clamp(g.OutPixels / 2, 1, Pixels);
        PanelsInTile = (int)Math.Clamp((pixels < FewRows ? Work / 8 : Work) / (cost * pixels), 1, Panels);
        PanelBlocks = (Panels + PanelsInTile - 1) / PanelsInTile;
    }

    /// <summary>Most pixels of a tile.</summary>
    public int Pixels { get; }

    /// <summary>Panels of a group.</summary>
    public int Panels { get; }

    /// <summary>Panels of a tile.</summary>
    public int PanelsInTile { get; }

    /// <summary>Blocks of panels of a group.</summary>
    public int PanelBlocks { get; }
}
