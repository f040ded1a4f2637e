using System;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>How a product is cut into tiles: group, some panels, some output pixels; pixels innermost, so that the panels stay in the cache.</summary>
internal readonly struct PatchPlan
{
    /// <summary>Most pixels of a tile.</summary>
    public const int MostPixels = 192;

    private const int Rows = 12;
    private const int PatchValues = 6912;
    private const int RowValues = 65536;
    private const int PanelValues = 65536;
    private const int LeastBlocks = 8;

    private readonly int _blocks;
    private readonly int _parts;
    private readonly int _panels;
    private readonly int _pixels;

    public PatchPlan(in ConvolutionGeometry g, int width)
    {
        IsDirect = g.Taps == 1 && (g.StrideDepth, g.StrideHeight, g.StrideWidth) == (1, 1, 1) && (g.PadDepth, g.PadHeight, g.PadWidth) == (0, 0, 0)
            && (g.InDepth, g.InHeight, g.InWidth) == (g.OutDepth, g.OutHeight, g.OutWidth);
        int depth = Math.Max(1, g.Depth);
        _pixels = g.OutPixels;
        int wanted = IsDirect ? Math.Clamp(RowValues / depth, 4 * Rows, MostPixels) : Math.Clamp(PatchValues / depth, 2 * Rows, MostPixels / 2);
        Pixels = Math.Min(wanted / Rows * Rows, Math.Max(Rows, ((_pixels / LeastBlocks) + Rows - 1) / Rows * Rows));
        _blocks = (_pixels + Pixels - 1) / Pixels;
        _panels = (g.GroupOutChannels + width - 1) / width;
        _parts = IsDirect ? (int)Math.Clamp((long)_panels * width * depth / PanelValues, 1, Math.Max(1, _panels)) : 1;
        Tiles = checked(g.Groups * _parts * _blocks);
    }

    /// <summary>Whether patches are the input's own rows.</summary>
    public bool IsDirect { get; }

    /// <summary>Pixels of a tile; the last has what remains.</summary>
    public int Pixels { get; }

    /// <summary>Number of tiles.</summary>
    public int Tiles { get; }

    /// <summary>The work of one tile.</summary>
    public (int Group, (int Begin, int End) Panels, (int First, int Count) Part) At(int tile)
    {
        (int rest, int block) = Math.DivRem(tile, _blocks);
        (int group, int part) = Math.DivRem(rest, _parts);
        int first = block * Pixels;
        return (group, ((int)((long)_panels * part / _parts), (int)((long)_panels * (part + 1) / _parts)), (first, Math.Min(Pixels, _pixels - first)));
    }
}
