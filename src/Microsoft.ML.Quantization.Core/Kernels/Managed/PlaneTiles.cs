using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Runs tile after tile. A tile's pixels lie in one or several boxes of equal taps, each a <see cref="PlaneTile"/> of its own; neighbouring tiles over the same
/// pixels keep what was found of them.
/// </summary>
internal unsafe ref struct PlaneTiles
{
    /// <summary>Parts that are given to a kernel at once.</summary>
    public const int BatchLength = 16;

    private const int Panel = PlaneWeights.Panel;
    private const int FewSteps = 2048;

    private readonly PlaneGeometry _geometry;
    private readonly PlanePlan _plan;
    private readonly PlanePairing _pairing;
    private readonly Boxes _boxes;
    private readonly PlaneTile _common;
    private readonly PlaneTile* _batch;
    private readonly PlaneStep* _steps;
    private readonly long* _pixels;
    private readonly int* _constants;
    private readonly int* _taps;
    private readonly int _stepRoom;
    private int _block;
    private bool _isKept;
    private int _count;
    private int _usedSteps;
    private int _usedPixels;

    public PlaneTiles(in PlaneGeometry geometry, in PlanePlan plan, in Boxes boxes, in PlaneTile common, PlaneTile* batch)
    {
        ConvolutionGeometry g = geometry.Convolution;
        _geometry = geometry;
        _plan = plan;
        _pairing = new PlanePairing(geometry);
        _boxes = boxes;
        _batch = batch;
        _block = -1;
        _stepRoom = Math.Max(PlaneWeights.Steps(g), FewSteps);
        int constants = BatchLength * plan.PanelsInTile * Panel / 2;
        long* scratch = Scratch.Longs((2 * _stepRoom) + (2 * plan.Pixels) + constants + (BatchLength * (g.Taps + 1) / 2) + 1);
        _steps = (PlaneStep*)scratch;
        _pixels = scratch + (2 * _stepRoom);
        _constants = (int*)(_pixels + (2 * plan.Pixels));
        _taps = _constants + (2 * constants);
        _common = common;
        _common.PanelBytes = PlaneWeights.PanelBytes(g, _pairing);
        _common.PlaneBytes = PlaneWeights.PlaneBytes(g, _pairing);
        _common.WordsBegin = PlaneWeights.WordsBegin(g);
        _common.SourceWords = PlaneLayout.Words(g.InChannels);
        _common.OutChannels = g.OutChannels;
        _common.Operation = (int)_pairing.Operation;
        _common.SourceBits = geometry.SourceBits;
        _common.WeightPlanes = _pairing.WeightPlanes;
        _common.Doubles = _pairing.SourceIsMidRise ? 1 : 0;
        _common.TopIsNegative = _pairing.TopIsNegative ? 1 : 0;
    }

    /// <summary>Runs tile <paramref name="index"/>.</summary>
    public void Run<TKernel>(in TKernel kernel, byte* weights, int index)
        where TKernel : struct, IPlaneKernel
    {
        (int block, int panelBlock) = Math.DivRem(index, _plan.PanelBlocks);
        (int group, int pixelBlock) = Math.DivRem(block, _plan.PixelBlocks);
        int panel = panelBlock * _plan.PanelsInTile;
        byte* panels = weights + ((((long)group * _plan.Panels) + panel) * _common.PanelBytes);
        if (block == _block && _isKept)
        {
            Finish(kernel, group, panel, panels);
            return;
        }

        _block = block;
        _isKept = true;
        Clear();
        int begin = _plan.PixelBegin(pixelBlock);
        int end = _plan.PixelBegin(pixelBlock + 1);
        int first = 0;
        for (int i = 0; i < _boxes.Count && first < end; i++)
        {
            BoxPart box = _boxes.Whole(i);
            int pixels = box.PixelEnd;
            if (first + pixels > begin)
            {
                BoxPart part = box with { PixelBegin = Math.Max(begin - first, 0), PixelEnd = Math.Min(end - first, pixels) };
                if (_count == BatchLength || _usedSteps + Steps(part) > _stepRoom)
                {
                    Finish(kernel, group, panel, panels);
                    _isKept = false;
                    Clear();
                }

                Add(part, group);
            }

            first += pixels;
        }

        Finish(kernel, group, panel, panels);
    }

    private void Clear()
    {
        _count = 0;
        _usedSteps = 0;
        _usedPixels = 0;
    }

    private readonly int Steps(in BoxPart box)
        => box.Depth.Taps * box.Height.Taps * box.Width.Taps * PlaneLayout.Words(_geometry.Convolution.GroupInChannels);

    private void Add(in BoxPart box, int group)
    {
        PlaneTile tile = _common;
        tile.Steps = _steps + _usedSteps;
        tile.Sources = _pixels + (2 * _usedPixels);
        FindPixels(box, group, ref tile);
        FindSteps(box, ref tile);
        _usedSteps += tile.StepCount;
        _usedPixels += tile.Pixels;
        _batch[_count++] = tile;
    }

    /// <summary>Gives the parts of the batch to the kernel, over the panels of this tile.</summary>
    private readonly void Finish<TKernel>(in TKernel kernel, int group, int panel, byte* panels)
        where TKernel : struct, IPlaneKernel
    {
        int outputs = _geometry.Convolution.GroupOutChannels;
        int panelCount = Math.Min(_plan.PanelsInTile, _plan.Panels - panel);
        for (int i = 0; i < _count; i++)
        {
            PlaneTile* tile = _batch + i;
            tile->Panels = panels;
            tile->PanelCount = panelCount;
            tile->Channel = (group * outputs) + (panel * Panel);
            tile->ChannelEnd = (group + 1) * outputs;
            tile->Constants = _constants + (i * _plan.PanelsInTile * Panel);
            int inside = tile->StepCount / PlaneLayout.Words(_geometry.Convolution.GroupInChannels);
            for (int p = 0; p < panelCount; p++)
            {
                FindConstants((int*)(panels + (p * tile->PanelBytes)), _taps + (i * _geometry.Convolution.Taps), inside, tile->Constants + (p * Panel));
            }
        }

        kernel.Run(_batch, _count);
    }

    private readonly void FindPixels(in BoxPart box, int group, ref PlaneTile tile)
    {
        ConvolutionGeometry g = _geometry.Convolution;
        long pixelWords = (long)_geometry.SourceBits * _common.SourceWords;
        long first = (long)group * PlaneLayout.Words(g.GroupInChannels);
        bool reads = Steps(box) > 0;
        tile.Pixels = box.PixelEnd - box.PixelBegin;
        tile.Outputs = tile.Sources + tile.Pixels;
        long* sources = tile.Sources, outputs = tile.Outputs;
        BoxWalk walk = new(g, box);
        long step = reads ? g.StrideWidth * pixelWords : 0;
        for (int i = 0; i < tile.Pixels;)
        {
            int count = Math.Min(walk.RowRest, tile.Pixels - i);
            long source = reads ? (walk.SourcePixel * pixelWords) + first : 0;
            long output = walk.OutPixel;
            walk.Advance(count);
            for (int end = i + count; i < end; i++, source += step, output++)
            {
                sources[i] = source;
                outputs[i] = output;
            }
        }
    }

    /// <summary>The words of the taps inside; then the taps themselves, those inside first.</summary>
    private readonly void FindSteps(in BoxPart box, ref PlaneTile tile)
    {
        ConvolutionGeometry g = _geometry.Convolution;
        int words = PlaneLayout.Words(g.GroupInChannels);
        long stepBytes = PlaneWeights.StepBytes(_pairing);
        long pixelWords = (long)_geometry.SourceBits * _common.SourceWords;
        PlaneStep* step = tile.Steps;
        int* inside = _taps + (_count * g.Taps);
        int* outside = inside + (Steps(box) / words);
        int tap = 0;
        for (int d = 0; d < g.KernelDepth; d++)
        {
            for (int h = 0; h < g.KernelHeight; h++)
            {
                bool holds = Holds(box.Depth, d) && Holds(box.Height, h);
                long row = ((long)(d - box.Depth.TapBegin) * g.DilationDepth * g.InHeight) + ((long)(h - box.Height.TapBegin) * g.DilationHeight);
                for (int w = 0; w < g.KernelWidth; w++, tap++)
                {
                    if (!holds || !Holds(box.Width, w))
                    {
                        *outside++ = tap;
                        continue;
                    }

                    *inside++ = tap;
                    long source = ((row * g.InWidth) + ((long)(w - box.Width.TapBegin) * g.DilationWidth)) * pixelWords;
                    long weights = tap * words * stepBytes;
                    for (PlaneStep* end = step + words; step < end; step++, source++, weights += stepBytes)
                    {
                        *step = new PlaneStep(source, weights);
                    }
                }
            }
        }

        tile.StepCount = (int)(step - tile.Steps);
    }

    /// <summary>The constants of one panel: of the taps inside, and of a code read by those in padding.</summary>
    private readonly void FindConstants(int* panel, int* order, int inside, int* constants)
    {
        int taps = _geometry.Convolution.Taps;
        if (inside == taps)
        {
            new ReadOnlySpan<int>(panel, Panel).CopyTo(new Span<int>(constants, Panel));
            return;
        }

        int padding = _geometry.PaddingCode == PlaneGeometry.NoPaddingCode ? 0 : PlaneGeometry.ValueOf(_geometry.SourceKind, _geometry.SourceBits, _geometry.PaddingCode);
        int* ofTap = panel + Panel;
        int* sums = ofTap + (taps * Panel);
        for (int i = 0; i < Panel; i += Vector256<int>.Count)
        {
            Vector256<int> sum = AddTaps(ofTap + i, order, inside);
            if (padding != 0)
            {
                sum += AddTaps(sums + i, order + inside, taps - inside) * padding;
            }

            sum.Store(constants + i);
        }
    }

    private static Vector256<int> AddTaps(int* values, int* taps, int count)
    {
        Vector256<int> sum = Vector256<int>.Zero;
        for (int i = 0; i < count; i++)
        {
            sum += Vector256.Load(values + (taps[i] * Panel));
        }

        return sum;
    }

    private static bool Holds(in AxisClass axis, int tap) => tap >= axis.TapBegin && tap < axis.TapEnd;
}
