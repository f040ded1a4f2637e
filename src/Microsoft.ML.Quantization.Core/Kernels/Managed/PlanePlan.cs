using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// How a layer over bit planes is cut into tiles: (group, block of pixels, block of panels), panels innermost, so that the words to count are found once. Pixels
/// are counted box by box (<see cref="Boxes"/>): those with the same taps inside the image stand side by side.
/// </summary>
internal readonly struct PlanePlan
{
    private const int FewestPixels = 256;
    private const int MostPixels = 512;
    private const int FewRows = 4;

    /// <summary>Counts of 32 words wanted of a tile: some microseconds at the rate of the quickest set.</summary>
    private const long Work = 16384;

    /// <summary>What writing an output costs, in counts.</summary>
    private const int Finish = 12;

    private readonly int _outPixels;

    public PlanePlan(in PlaneGeometry geometry)
    {
        ConvolutionGeometry g = geometry.Convolution;
        PlanePairing pairing = new(geometry);
        long cost = ((long)PlaneWeights.Steps(g) * geometry.SourceBits * pairing.WeightPlanes) + Finish;
        _outPixels = g.OutPixels;
        Panels = PlaneWeights.Panels(g);
        int most = (int)Math.Clamp(Work / (cost * Panels), FewestPixels, MostPixels);
        PixelBlocks = (_outPixels + most - 1) / most;
        Pixels = PixelBlocks == 0 ? 0 : (_outPixels + PixelBlocks - 1) / PixelBlocks;
        PanelsInTile = (int)Math.Clamp((Pixels < FewRows ? Work / 8 : Work) / (cost * Math.Max(Pixels, 1)), 1, Panels);
        PanelBlocks = (Panels + PanelsInTile - 1) / PanelsInTile;
        TileCount = checked(g.Groups * PixelBlocks * PanelBlocks);
    }

    /// <summary>Number of tiles.</summary>
    public int TileCount { get; }

    /// <summary>Most pixels of a tile.</summary>
    public int Pixels { get; }

    /// <summary>Blocks of pixels.</summary>
    public int PixelBlocks { get; }

    /// <summary>Panels of a group.</summary>
    public int Panels { get; }

    /// <summary>Panels of a tile.</summary>
    public int PanelsInTile { get; }

    /// <summary>Blocks of panels of a group.</summary>
    public int PanelBlocks { get; }

    /// <summary>The first pixel of a block.</summary>
    public int PixelBegin(int block) => (int)((long)_outPixels * block / PixelBlocks);
}
