using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// What goes into a convolution's step behind its codes: the residual addition that alone reads them, and of the readers of the sum (or of the codes, where nothing is added) one
/// step to planes and one to bytes. The sum itself is kept for whoever reads it later.
/// </summary>
internal sealed class JoinPacking
{
    private readonly PackingState _state;
    private readonly List<Node> _nodes = [];

    private JoinPacking(PackingState state, EpilogueData epilogue, ValueId codes) => (_state, Epilogue, Stream) = (state, epilogue, codes);

    /// <summary>The value that the step writes in the place of its codes.</summary>
    public ValueId Stream { get; private set; }

    /// <summary>Slots read beside the layer's own.</summary>
    public int[] Reads { get; private set; } = [];

    /// <summary>The slot of what is added, whose place the sum may take; null for none.</summary>
    public int? Other => Epilogue.Join!.Addition?.Slot;

    /// <summary>Slots written beside the layer's own.</summary>
    public int[] Writes => [.. new[] { Epilogue.Join!.Bytes?.Slot, Epilogue.Join.Planes?.Slot }.OfType<int>()];

    /// <summary>The layer's epilogue with what follows.</summary>
    public EpilogueData Epilogue { get; private set; }

    /// <summary>Names of what is fused, for people: one + each.</summary>
    public string Names => string.Concat(_nodes.Select(n => "+" + n.Kind));

    /// <summary>What follows the codes that <paramref name="tail"/> makes, or null when nothing can be fused. The nodes taken are marked as done.</summary>
    /// <param name="state">The program in the making.</param>
    /// <param name="tail">The node that makes the codes, or null.</param>
    /// <param name="epilogue">What the layer's step does so far.</param>
    /// <param name="sizes">The layer: planes need output groups of whole words.</param>
    public static JoinPacking? TryCreate(PackingState state, Node? tail, EpilogueData epilogue, in ConvolutionGeometry sizes)
    {
        if (!state.Joins || tail is not Requantize { Result.IsMidRise: false } codes || !Layouts.CanBeChannelsLast(state.TypeOf(codes.Output).Shape) || !IsFinite(codes))
        {
            return null;
        }

        var found = new JoinPacking(state, epilogue, codes.Output);
        JoinData data = found.Add(codes) ?? new JoinData { ZeroPoint = codes.Result.Single.ZeroPoint, Minimum = codes.Minimum, Maximum = codes.Maximum };
        bool words = sizes.Groups == 1 || sizes.GroupOutChannels % PlaneLayout.WordBits == 0;
        data = data with { Planes = words ? found.Planes() : null, Bytes = found.Bytes() };
        if (found._nodes.Count == 0)
        {
            return null;
        }

        found._nodes.ForEach(n => state.Done.Add(n));
        found.Epilogue = epilogue with { Join = data };
        return found;
    }

    /// <summary>No sum of finite products of codes is a NaN.</summary>
    private static bool IsFinite(Requantize node) => node.Multipliers.Concat(node.Offsets).All(float.IsFinite);

    private JoinData? Add(Requantize codes)
    {
        if (_state.OnlyConsumer(codes.Output) is not IntegerAdd { Result.IsMidRise: false } add || !add.Result.Element.Equals(codes.Result.Element))
        {
            return null;
        }

        bool isLeft = add.Inputs[0] == codes.Output;
        ValueId other = add.Inputs[isLeft ? 1 : 0];
        ValueType type = _state.TypeOf(other);
        bool fits = other != codes.Output && type.Element == codes.Result.Element && type.Quantization is { IsMidRise: false, Scales.Length: 1 } && type.Shape.Equals(_state.TypeOf(codes.Output).Shape);
        if (!fits || _state.Constant(other) is not null || !_state.IsLocated(other, Layout.ChannelsLast))
        {
            return null;
        }

        (float left, float right) = (add.LeftMultiplier, add.RightMultiplier);
        int slot = _state.Read(other, Layout.ChannelsLast);
        Stream = add.Output;
        Reads = [slot];
        _nodes.Add(add);
        return new JoinData
        {
            Addition = new JoinAddition(slot, isLeft ? left : right, isLeft ? right : left, type.Quantization!.Single.ZeroPoint),
            ZeroPoint = add.Result.Single.ZeroPoint,
            Minimum = add.Minimum,
            Maximum = add.Maximum,
        };
    }

    /// <summary>The first reader of the sum that makes planes by comparison.</summary>
    private JoinPlanes? Planes()
    {
        AffineQuantization codes = _state.TypeOf(Stream).Quantization!;
        int channels = _state.TypeOf(Stream).Shape[1];
        foreach (Node reader in _state.Consumers(Stream))
        {
            ThresholdData<int>? table = !Layouts.WantsPlanes(_state, reader.Output) ? null : reader switch
            {
                Thresholds t when ThresholdData.Fits(t.Result) && Layouts.IsChannelAxis(_state, Stream, t.Axis, t.Channels) => ThresholdData.OfIntegers(t, channels, codes),
                Requantize { Multipliers.Length: 1 } r when ThresholdData.Fits(r.Result) => ThresholdData.OfCodes(r, channels, codes.Single.ZeroPoint),
                _ => null,
            };
            int bits = _state.TypeOf(reader.Output).Quantization?.Code.Bits.Bits ?? 0;
            if (table is not null && table.Count < 1 << bits)
            {
                _nodes.Add(reader);
                return JoinPlanes.Of(table, channels, bits, _state.Write(reader.Output, Layout.BitPlanes));
            }
        }

        return null;
    }

    /// <summary>The first reader of the sum, not of those taken, that makes codes of 8 bits.</summary>
    private JoinBytes? Bytes()
    {
        Requantize? found = _state.Consumers(Stream).OfType<Requantize>()
            .FirstOrDefault(r => !_nodes.Contains(r) && r is { Multipliers.Length: 1, Result: { IsMidRise: false, Element: ElementType.UInt8 } } && IsFinite(r) && !Layouts.WantsPlanes(_state, r.Output));
        if (found is null)
        {
            return null;
        }

        _nodes.Add(found);
        return new JoinBytes(_state.Write(found.Output, Layout.ChannelsLast), found.Multipliers[0], found.Offsets[0], found.Result.Single.ZeroPoint, found.Minimum, found.Maximum);
    }
}
