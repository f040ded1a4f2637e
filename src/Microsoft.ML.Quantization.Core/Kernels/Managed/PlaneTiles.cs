using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Fills a <see cref="PlaneTile"/> for one tile after another; neighbouring tiles of one box part keep its pixels and steps.</summary>
internal unsafe ref struct PlaneTiles
{
    private readonly PlaneGeometry _geometry;
    private readonly PlanePlan _plan;
    private readonly PlanePairing _pairing;
    private int _part;
    private BoxPart _box;

    /// <summary>The tile last taken.</summary>
    public PlaneTile Tile;

    public PlaneTiles(in PlaneGeometry geometry, in PlanePlan plan, uint* source, byte* destination, NativeEpilogue* epilogue)
    {
        ConvolutionGeometry g = geometry.Convolution;
        _geometry = geometry;
        _plan = plan;
        _pairing = new PlanePairing(geometry);
        _part = -1;
        int steps = PlaneWeights.Steps(g);
        long* scratch = Scratch.Longs((2 * steps) + (2 * plan.Pixels) + (plan.PanelsInTile * PlaneWeights.Panel / 2));
        Tile = new PlaneTile
        {
            Source = source,
            Steps = (PlaneStep*)scratch,
            Sources = scratch + (2 * steps),
            Outputs = scratch + (2 * steps) + plan.Pixels,
            Constants = (int*)(scratch + (2 * steps) + (2 * plan.Pixels)),
            Destination = destination,
            Epilogue = epilogue,
            PanelBytes = PlaneWeights.PanelBytes(g, _pairing),
            PlaneBytes = PlaneWeights.PlaneBytes(g, _pairing),
            WordsBegin = PlaneWeights.WordsBegin(g),
            SourceWords = PlaneLayout.Words(g.InChannels),
            OutChannels = g.OutChannels,
            Operation = (int)_pairing.Operation,
            SourceBits = geometry.SourceBits,
            WeightPlanes = _pairing.WeightPlanes,
            Doubles = _pairing.SourceIsMidRise ? 1 : 0,
            TopIsNegative = _pairing.TopIsNegative ? 1 : 0,
        };
    }

    /// <summary>Takes tile <paramref name="index"/>.</summary>
    public void Take(in Boxes boxes, byte* weights, int index)
    {
        ConvolutionGeometry g = _geometry.Convolution;
        (int part, int block) = Math.DivRem(index, _plan.PanelBlocks);
        int group = part / boxes.TileCount;
        if (part != _part)
        {
            _part = part;
            _box = boxes.Find(part % boxes.TileCount);
            FindPixels(group);
            FindSteps();
        }

        int panel = block * _plan.PanelsInTile;
        Tile.PanelCount = Math.Min(_plan.PanelsInTile, _plan.Panels - panel);
        Tile.Panels = weights + ((((long)group * _plan.Panels) + panel) * Tile.PanelBytes);
        Tile.Channel = (group * g.GroupOutChannels) + (panel * PlaneWeights.Panel);
        Tile.ChannelEnd = (group + 1) * g.GroupOutChannels;
        for (int i = 0; i < Tile.PanelCount; i++)
        {
            FindConstants((int*)(Tile.Panels + (i * Tile.PanelBytes)), Tile.Constants + (i * PlaneWeights.Panel));
        }
    }

    private void FindPixels(int group)
    {
        ConvolutionGeometry g = _geometry.Convolution;
        long pixelWords = (long)_geometry.SourceBits * Tile.SourceWords;
        long first = (long)group * PlaneLayout.Words(g.GroupInChannels);
        bool reads = _box.Depth.Taps * _box.Height.Taps * _box.Width.Taps > 0;
        Tile.Pixels = _box.PixelEnd - _box.PixelBegin;
        BoxWalk walk = new(g, _box);
        long step = reads ? g.StrideWidth * pixelWords : 0;
        for (int i = 0; i < Tile.Pixels;)
        {
            int count = Math.Min(walk.RowRest, Tile.Pixels - i);
            long source = reads ? (walk.SourcePixel * pixelWords) + first : 0;
            long output = walk.OutPixel;
            walk.Advance(count);
            for (int end = i + count; i < end; i++, source += step, output++)
            {
                Tile.Sources[i] = source;
                Tile.Outputs[i] = output;
            }
        }
    }

    private void FindSteps()
    {
        ConvolutionGeometry g = _geometry.Convolution;
        int words = PlaneLayout.Words(g.GroupInChannels);
        int stepBytes = PlaneWeights.StepBytes(_pairing);
        long pixelWords = (long)_geometry.SourceBits * Tile.SourceWords;
        PlaneStep* step = Tile.Steps;
        for (int d = _box.Depth.TapBegin; d < _box.Depth.TapEnd; d++)
        {
            for (int h = _box.Height.TapBegin; h < _box.Height.TapEnd; h++)
            {
                for (int w = _box.Width.TapBegin; w < _box.Width.TapEnd; w++)
                {
                    long row = ((long)(d - _box.Depth.TapBegin) * g.DilationDepth * g.InHeight) + ((long)(h - _box.Height.TapBegin) * g.DilationHeight);
                    long source = ((row * g.InWidth) + ((long)(w - _box.Width.TapBegin) * g.DilationWidth)) * pixelWords;
                    long weights = ((((long)d * g.KernelHeight) + h) * g.KernelWidth + w) * words * stepBytes;
                    for (int i = 0; i < words; i++, weights += stepBytes)
                    {
                        *step++ = new PlaneStep(source + i, weights);
                    }
                }
            }
        }

        Tile.StepCount = (int)(step - Tile.Steps);
    }

    /// <summary>The constants of one panel: of the taps inside, and of a code read by those in padding.</summary>
    private readonly void FindConstants(int* panel, int* constants)
    {
        ConvolutionGeometry g = _geometry.Convolution;
        int inside = _box.Depth.Taps * _box.Height.Taps * _box.Width.Taps;
        if (inside == g.Taps)
        {
            Buffer.MemoryCopy(panel, constants, PlaneWeights.Panel * sizeof(int), PlaneWeights.Panel * sizeof(int));
            return;
        }

        int padding = _geometry.PaddingCode == PlaneGeometry.NoPaddingCode ? 0 : PlaneGeometry.ValueOf(_geometry.SourceKind, _geometry.SourceBits, _geometry.PaddingCode);
        new Span<int>(constants, PlaneWeights.Panel).Clear();
        int* ofTap = panel + PlaneWeights.Panel;
        int* sums = ofTap + (g.Taps * PlaneWeights.Panel);
        for (int tap = 0; tap < g.Taps; tap++, ofTap += PlaneWeights.Panel, sums += PlaneWeights.Panel)
        {
            int h = tap / g.KernelWidth;
            if (Holds(_box.Depth, h / g.KernelHeight) && Holds(_box.Height, h % g.KernelHeight) && Holds(_box.Width, tap % g.KernelWidth))
            {
                Add(constants, ofTap, 1);
            }
            else if (padding != 0)
            {
                Add(constants, sums, padding);
            }
        }
    }

    private static bool Holds(in AxisClass axis, int tap) => tap >= axis.TapBegin && tap < axis.TapEnd;

    private static void Add(int* target, int* values, int factor)
    {
        for (int i = 0; i < PlaneWeights.Panel; i += Vector256<int>.Count)
        {
            (Vector256.Load(target + i) + (Vector256.Load(values + i) * factor)).Store(target + i);
        }
    }
}
