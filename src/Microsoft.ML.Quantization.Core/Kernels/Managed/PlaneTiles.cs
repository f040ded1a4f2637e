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
    private readonly int* _taps;
    private int _part;
    private int _inside;
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
        int constants = plan.PanelsInTile * PlaneWeights.Panel / 2;
        long* scratch = Scratch.Longs((2 * steps) + (2 * plan.Pixels) + constants + ((g.Taps + 1) / 2));
        _taps = (int*)(scratch + (2 * steps) + (2 * plan.Pixels) + constants);
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
            long* sources = Tile.Sources, outputs = Tile.Outputs;
            for (int end = i + count; i < end; i++, source += step, output++)
            {
                sources[i] = source;
                outputs[i] = output;
            }
        }
    }

    /// <summary>The words of the taps inside; then the taps themselves, those inside first.</summary>
    private void FindSteps()
    {
        ConvolutionGeometry g = _geometry.Convolution;
        int words = PlaneLayout.Words(g.GroupInChannels);
        long stepBytes = PlaneWeights.StepBytes(_pairing);
        long pixelWords = (long)_geometry.SourceBits * Tile.SourceWords;
        PlaneStep* step = Tile.Steps;
        _inside = 0;
        int outside = _box.Depth.Taps * _box.Height.Taps * _box.Width.Taps;
        int tap = 0;
        for (int d = 0; d < g.KernelDepth; d++)
        {
            for (int h = 0; h < g.KernelHeight; h++)
            {
                bool holds = Holds(_box.Depth, d) && Holds(_box.Height, h);
                long row = ((long)(d - _box.Depth.TapBegin) * g.DilationDepth * g.InHeight) + ((long)(h - _box.Height.TapBegin) * g.DilationHeight);
                for (int w = 0; w < g.KernelWidth; w++, tap++)
                {
                    if (!holds || !Holds(_box.Width, w))
                    {
                        _taps[outside++] = tap;
                        continue;
                    }

                    _taps[_inside++] = tap;
                    long source = ((row * g.InWidth) + ((long)(w - _box.Width.TapBegin) * g.DilationWidth)) * pixelWords;
                    long weights = tap * words * stepBytes;
                    for (PlaneStep* end = step + words; step < end; step++, source++, weights += stepBytes)
                    {
                        *step = new PlaneStep(source, weights);
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
        int taps = g.Taps;
        if (_inside == taps)
        {
            new ReadOnlySpan<int>(panel, PlaneWeights.Panel).CopyTo(new Span<int>(constants, PlaneWeights.Panel));
            return;
        }

        int padding = _geometry.PaddingCode == PlaneGeometry.NoPaddingCode ? 0 : PlaneGeometry.ValueOf(_geometry.SourceKind, _geometry.SourceBits, _geometry.PaddingCode);
        int* ofTap = panel + PlaneWeights.Panel;
        int* sums = ofTap + (taps * PlaneWeights.Panel);
        for (int i = 0; i < PlaneWeights.Panel; i += Vector256<int>.Count)
        {
            Vector256<int> sum = Add(ofTap + i, 0, _inside);
            if (padding != 0)
            {
                sum += Add(sums + i, _inside, taps) * padding;
            }

            sum.Store(constants + i);
        }
    }

    private readonly Vector256<int> Add(int* values, int begin, int end)
    {
        Vector256<int> sum = Vector256<int>.Zero;
        for (int i = begin; i < end; i++)
        {
            sum += Vector256.Load(values + (_taps[i] * PlaneWeights.Panel));
        }

        return sum;
    }

    private static bool Holds(in AxisClass axis, int tap) => tap >= axis.TapBegin && tap < axis.TapEnd;
}
