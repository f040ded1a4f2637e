using System;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>How the rows of a product are found.</summary>
internal enum PatchSource
{
    /// <summary>The input's own pixels.</summary>
    Direct,

    /// <summary>Patches copied one by one.</summary>
    Patches,

    /// <summary>Runs inside a copied band of input rows.</summary>
    Bands,
}

/// <summary>How a product is cut into tiles: group, some panels, some output pixels (a band of rows, or so many); pixels innermost, so that the panels stay in the cache.</summary>
internal readonly struct PatchPlan
{
    private const int Rows = 12;
    private const int PatchValues = 6912;
    private const int RowValues = 65536;
    private const int PanelValues = 65536;
    private const int BandValues = 12288;
    private const int LeastBlocks = 8;
    private const int MostPixels = 192;

    private readonly int _blocks;
    private readonly int _parts;
    private readonly int _panels;
    private readonly int _pixels;

    /// <summary>Plans for panels of <paramref name="width"/> outputs, of which a vector holds half.</summary>
    public PatchPlan(in ConvolutionGeometry g, int width)
    {
        Bands = new FloatBands(g, BandValues);
        Source = SourceOf(g, width, Bands);
        int depth = Math.Max(1, g.Depth);
        _pixels = g.OutPixels;
        int wanted = Source == PatchSource.Direct ? Math.Clamp(RowValues / depth, 4 * Rows, MostPixels) : Math.Clamp(PatchValues / depth, 2 * Rows, MostPixels / 2);
        Pixels = Math.Min(wanted / Rows * Rows, Math.Max(Rows, ((_pixels / LeastBlocks) + Rows - 1) / Rows * Rows));
        _blocks = Source == PatchSource.Bands ? Bands.Count : (_pixels + Pixels - 1) / Pixels;
        _panels = (g.GroupOutChannels + width - 1) / width;
        _parts = Source == PatchSource.Direct ? (int)Math.Clamp((long)_panels * width * depth / PanelValues, 1, Math.Max(1, _panels)) : 1;
        Tiles = checked(g.Groups * _parts * _blocks);
    }

    /// <summary>Where rows come from.</summary>
    public PatchSource Source { get; }

    /// <summary>The bands, where rows come from them.</summary>
    public FloatBands Bands { get; }

    /// <summary>Pixels of a tile that is no band; the last has what remains.</summary>
    public int Pixels { get; }

    /// <summary>Number of tiles.</summary>
    public int Tiles { get; }

    /// <summary>Group, panels and block of a tile.</summary>
    public (int Group, (int Begin, int End) Panels, int Block) At(int tile)
    {
        (int rest, int block) = Math.DivRem(tile, _blocks);
        (int group, int part) = Math.DivRem(rest, _parts);
        return (group, ((int)((long)_panels * part / _parts), (int)((long)_panels * (part + 1) / _parts)), block);
    }

    /// <summary>The output pixels of a block that is no band.</summary>
    public (int First, int Count) PixelsOf(int block) => (block * Pixels, Math.Min(Pixels, _pixels - (block * Pixels)));

    private static PatchSource SourceOf(in ConvolutionGeometry g, int width, in FloatBands bands)
    {
        bool strides = (g.StrideDepth, g.StrideHeight, g.StrideWidth) == (1, 1, 1);
        if (g.Taps == 1 && strides && (g.PadDepth, g.PadHeight, g.PadWidth) == (0, 0, 0) && (g.InDepth, g.InHeight, g.InWidth) == (g.OutDepth, g.OutHeight, g.OutWidth))
        {
            return PatchSource.Direct;
        }

        // The last panel may be one vector wide; its tiles walk along the band and need steps of one pixel.
        bool hasNarrow = g.GroupOutChannels % width is var rest && rest != 0 && rest <= width / 2;
        return bands.IsPossible && (strides || !hasNarrow) ? PatchSource.Bands : PatchSource.Patches;
    }
}
