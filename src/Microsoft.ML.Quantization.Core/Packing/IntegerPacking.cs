using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Integer convolutions and dense layers: one step each, the following requantizer included.</summary>
internal static class IntegerPacking
{
    /// <summary>Packs an <see cref="IntegerConvolution"/> of unsigned codes.</summary>
    public static bool Convolution(PackingState state, Node node)
    {
        var convolution = (IntegerConvolution)node;
        if (!TryPrepare(state, node, 1, out IntegerLayer? layer))
        {
            return false;
        }

        Shape weightShape = state.TypeOf(node.Inputs[1]).Shape;
        ValueId from = node.Inputs[0];
        int bits = layer.KernelBits;
        ConvolutionGeometry Bind(Shape input, Shape output)
        {
            ConvolutionGeometry sizes = Geometry.Convolution(convolution.Window, convolution.Groups, input, output);
            return sizes.IsDepthwise ? sizes : sizes with { WeightBits = bits };
        }

        ConvolutionGeometry one = Bind(state.TypeOf(from).Shape.Bind(1), state.TypeOf(node.Output).Shape.Bind(1));
        int source = state.Read(from, Layout.ChannelsLast);
        layer = one.IsDepthwise ? layer : layer.Joined(JoinPacking.TryCreate(state, layer.Tail, layer.Epilogue, one));
        int destination = state.Write(layer.Result, Layout.ChannelsLast);
        Func<BindContext, ConvolutionGeometry> geometry = c => Bind(c.ShapeOf(from), c.ShapeOf(node.Output));
        if (one.IsDepthwise)
        {
            layer = layer with { Codes = null };
            (EpilogueData fused, byte code) = (layer.Epilogue, layer.Padding);
            sbyte[] taps = WeightOrder.TapsFirst<sbyte>(layer.Weights.Values, 1, layer.Weights.Rows);
            Choice narrow = state.Chooser.Choose(KernelWork.Of(KernelOperation.DepthwiseByte, 8, one));
            Add(state, layer, narrow, taps.Length, source, destination, "Depthwise", c => new ByteDepthwiseStep(c, geometry(c), taps, fused, code, source, destination));
            return true;
        }

        Choice choice = state.Chooser.Choose(KernelWork.Of(KernelOperation.ConvolutionByte, 8, one));
        PackedWeights packed = Pack(state, choice.Set, node.Inputs[1], one, layer, weightShape[1]);
        (EpilogueData epilogue, byte padding) = (layer.Epilogue, layer.Padding);
        Add(state, layer, choice, packed.ByteLength, source, destination, "Convolution", c => new ByteConvolutionStep(c, geometry(c), packed, epilogue, padding, source, destination));
        return true;
    }

    /// <summary>Packs an <see cref="IntegerDense"/> of unsigned codes; behind a flatten of channels-last data its weights are permuted instead of the data.</summary>
    public static bool Dense(PackingState state, Node node)
    {
        ValueId from = node.Inputs[0];
        Shape weightShape = state.TypeOf(node.Inputs[1]).Shape;
        if (!TryPrepare(state, node, state.TypeOf(from).Shape.Rank - 1, out IntegerLayer? layer))
        {
            return false;
        }

        bool flattened = TryFlattened(state, from, out ValueId image);
        int source = flattened ? state.Read(image, Layout.ChannelsLast) : state.Read(from, Layout.RowMajor);
        int channels = flattened ? state.TypeOf(image).Shape[1] : weightShape[1];
        ConvolutionGeometry one = Geometry.Dense(state.TypeOf(from).Shape.Bind(1), weightShape);
        Choice choice = state.Chooser.Choose(KernelWork.Of(KernelOperation.ConvolutionByte, 8, one));
        int destination = state.Write(layer.Result, Layout.RowMajor);
        if (layer.Codes is null && NarrowPacking.Find(state, node.Inputs[1], layer.Weights, channels, one, choice) is { } narrow)
        {
            AddNarrow(state, layer, choice, narrow, channels, source, destination);
            return true;
        }

        int bits = layer.KernelBits;
        PackedWeights packed = Pack(state, choice.Set, node.Inputs[1], ConvolutionGeometry.Dense(1, weightShape[1], weightShape[0]) with { WeightBits = bits }, layer, channels);
        (EpilogueData epilogue, byte padding) = (layer.Epilogue, layer.Padding);
        Add(state, layer, choice, packed.ByteLength, source, destination, "Dense", c => new ByteConvolutionStep(c, Geometry.Dense(c.ShapeOf(from), weightShape) with { WeightBits = bits }, packed, epilogue, padding, source, destination));
        return true;
    }

    // Batches of many rows read bytes, which are packed when the first such batch is bound.
    private static void AddNarrow(PackingState state, IntegerLayer layer, Choice wide, NarrowLayer narrow, int channels, int source, int destination)
    {
        (ValueId from, ValueId constant) = (layer.Node.Inputs[0], layer.Node.Inputs[1]);
        Shape shape = state.TypeOf(constant).Shape;
        Tensor codes = state.Constant(constant)!;
        AffineQuantization quantizer = state.TypeOf(constant).Quantization!;
        int bits = layer.KernelBits;
        (KernelChooser chooser, bool always, NarrowGeometry sizes) = (state.Chooser, state.Planes.Policy == PlanePolicy.Always, narrow.Geometry);
        LaterWeights bytes = state.Weights.Get(codes, $"later/{wide.Set.Name}/{sizes}/{channels}/{quantizer}", () => new LaterWeights(
            () => wide.Set.PackConvolutionByte(ConvolutionGeometry.Dense(1, shape[1], shape[0]) with { WeightBits = bits }, IntegerWeights.TryCreate(codes, quantizer)!.TapsFirst(channels))));
        (EpilogueData epilogue, byte padding) = (layer.Epilogue, layer.Padding);
        state.Add(new PackedStep(layer.Node.Name, $"NarrowDense→{epilogue.Output}", [source], [destination], c =>
        {
            ConvolutionGeometry geometry = Geometry.Dense(c.ShapeOf(from), shape);
            NarrowGeometry bound = sizes with { Rows = geometry.OutPixels };
            return always || NarrowPacking.Pays(chooser, bound, narrow.Choice.Set, geometry, wide.Set, narrow.ModelBytes)
                ? new NarrowDenseStep(c.With(narrow.Choice.Set), bound, narrow.Weights, epilogue, source, destination)
                : new ByteConvolutionStep(c.With(wide.Set), geometry with { WeightBits = bits }, bytes.Value, epilogue, padding, source, destination);
        })
        {
            Facts = new LayerFacts(layer.Bits, narrow.Reason, layer.Bound, narrow.Weights.ByteLength),
            Kernels = narrow.Choice.Set,
            Choice = narrow.Choice.Why,
        });
    }

    private static PackedWeights Pack(PackingState state, KernelSet kernels, ValueId constant, ConvolutionGeometry geometry, IntegerLayer layer, int channels)
    {
        string form = string.Create(CultureInfo.InvariantCulture, $"u8s8/{kernels.Name}/{geometry with { Batch = 1, InDepth = 1, InHeight = 1, InWidth = 1, OutDepth = 1, OutHeight = 1, OutWidth = 1 }}/{channels}/{state.TypeOf(constant).Quantization}");
        Tensor source = state.Constant(constant)!;
        if (layer.Codes is { } codes)
        {
            return state.Weights.Get(source, form, () => codes.Pack(kernels, geometry, channels));
        }

        IntegerWeights weights = layer.Weights;
        bool isGraphOrder = channels == geometry.GroupInChannels;
        return state.Weights.Later(source, form, !isGraphOrder, () => kernels.NewConvolutionByte(geometry), (packed, part, parts) =>
        {
            if (isGraphOrder)
            {
                kernels.FillConvolutionByte(geometry, weights.Values, WeightAxes.ChannelsFirst, packed, part, parts);
            }
            else
            {
                // Behind a flatten the inputs are the channels of an image's pixels, which the geometry does not know.
                WeightOrder.Turn(weights.Values, weights.Rows, channels, turned => kernels.FillConvolutionByte(geometry, turned, WeightAxes.TapsFirst, packed, part, parts));
            }
        });
    }

    /// <summary>The image that a value flattens, where it lies channels last only.</summary>
    public static bool TryFlattened(PackingState state, ValueId id, out ValueId image)
    {
        image = id;
        while (!state.IsLocated(image, Layout.RowMajor) && state.TryReshaped(image, out ValueId source))
        {
            image = source;
        }

        Shape flat = state.TypeOf(id).Shape;
        Shape shape = state.TypeOf(image).Shape;
        return image != id && flat.Rank == 2 && Layouts.CanBeChannelsLast(shape) && !Layouts.AreEqual(shape)
            && shape[0] == flat[0] && shape.CountOf(1, shape.Rank) == flat[1]
            && state.IsChannelsLast(image);
    }

    private static bool TryPrepare(PackingState state, Node node, int axis, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IntegerLayer? layer)
    {
        layer = null;
        ValueType input = state.TypeOf(node.Inputs[0]);
        AffineQuantization weightCodes = state.TypeOf(node.Inputs[1]).Quantization!;
        Tensor? bias = node.Inputs.Length > 2 ? state.Constant(node.Inputs[2]) : null;
        if (input.Element != ElementType.UInt8 || state.Constant(node.Inputs[0]) is not null || IntegerWeights.TryCreate(state.Constant(node.Inputs[1])!, weightCodes) is not { } weights)
        {
            return false;
        }

        AffineQuantization codes = input.Quantization!;
        int zero = codes.Single.ZeroPoint;
        // Codes that a caller gives may be any of the type; codes made inside stay in the quantizer's range.
        AffineQuantization reachable = state.IsGiven(node.Inputs[0]) ? codes with { Range = new IntegerRange(0, byte.MaxValue) } : codes;
        AccumulatorBound bound = AccumulatorBound.Of(state.Constant(node.Inputs[1])!, weightCodes, reachable, bias);
        int[] folded = bound.IsProved ? weights.FoldZeroPoint(bias, zero) : throw NotProved(node, bound);
        (Node? tail, EpilogueData epilogue) = Tail(state, node, axis, folded, bound.Worst);
        if (tail is not null)
        {
            state.Done.Add(tail);
        }

        string bits = string.Create(CultureInfo.InvariantCulture, $"W{weightCodes.Code.Bits}A{InputBits(state, node.Inputs[0])}");
        layer = new IntegerLayer(node, tail, (tail ?? node).Output, weights, epilogue, (byte)zero, bits, state.Planes.Reason(node), bound.Worst)
        {
            Codes = CodebookCodes.TryCreate(state.Constant(node.Inputs[1])!, weightCodes, node is IntegerConvolution c ? c.Groups : 1),
            Book = weightCodes.Codebook,
        };
        return true;
    }

    /// <summary>Bits of codes as the graph had them before mid-rise ones were doubled.</summary>
    private static BitWidth InputBits(PackingState state, ValueId id)
    {
        while (state.Producer(id) is Reshape reshape)
        {
            id = reshape.Inputs[0];
        }

        return CodeBits(state, id);
    }

    private static BitWidth CodeBits(PackingState state, ValueId id) => state.Producer(id) switch
    {
        LookupTable table when state.TypeOf(table.Inputs[0]).Quantization is { IsMidRise: true } codes && table.Table.Select((entry, i) => entry == 2 * i).All(same => same) => codes.Code.Bits,
        Thresholds { Result: { Single.ZeroPoint: > 0 } codes } when codes.Range == new IntegerRange(0, 2 * codes.Single.ZeroPoint) && codes.Code.Range.Max == codes.Range.Max + 1 => new BitWidth(codes.Code.Bits.Bits - 1),
        _ => state.TypeOf(id).Quantization!.Code.Bits,
    };

    /// <summary>The same for a layer on bytes, which takes thresholds along where a requantizer can do them.</summary>
    private static (Node? Tail, EpilogueData Epilogue) Tail(PackingState state, Node node, int axis, int[] bias, long reach)
    {
        bool channels = state.OnlyConsumer(node.Output) is Thresholds found && (found.Channels == 1 || state.TypeOf(node.Output).Shape.Axis(found.Axis) == axis);
        return channels && SingleStep.Of((Thresholds)state.OnlyConsumer(node.Output)!, bias, reach) is { } epilogue
            ? (state.OnlyConsumer(node.Output), epilogue)
            : Tail(state, node, axis, bias);
    }

    /// <summary>The requantizer or dequantizer behind an accumulator that goes into its step, and the epilogue that both make.</summary>
    public static (Node? Tail, EpilogueData Epilogue) Tail(PackingState state, Node node, int axis, int[] bias)
    {
        Node? next = state.OnlyConsumer(node.Output);
        return Epilogue(state, next, node.Output, axis, bias) is { } epilogue ? (next, epilogue) : (null, new EpilogueData { Bias = bias, Output = AccumulatorOutput.Int32 });
    }

    /// <summary>The epilogue that a node over the accumulators of a value makes, or null when it makes none.</summary>
    public static EpilogueData? Epilogue(PackingState state, Node? next, ValueId accumulators, int axis, int[] bias)
    {
        int rank = state.TypeOf(accumulators).Shape.Rank;
        bool Fits(ImmutableArray<float> numbers, int found) => numbers.Length == 1 || (found < 0 ? found + rank : found) == axis;
        return next switch
        {
            Requantize r when Fits(r.Multipliers, r.Axis) && r.Result.Element is ElementType.UInt8 or ElementType.Int16 => new EpilogueData
            {
                Bias = bias,
                Multipliers = Spread(r.Multipliers, bias.Length),
                Offsets = Spread(r.Offsets, bias.Length),
                Output = r.Result.Element == ElementType.UInt8 ? AccumulatorOutput.UInt8 : AccumulatorOutput.Int16,
                ZeroPoint = r.Result.Single.ZeroPoint,
                Minimum = r.Minimum,
                Maximum = r.Maximum,
            },
            DequantizeAccumulator d when Fits(d.Multipliers, d.Axis) => new EpilogueData
            {
                Bias = bias,
                Multipliers = Spread(d.Multipliers, bias.Length),
                Offsets = Spread(d.Offsets, bias.Length),
                Output = AccumulatorOutput.Float32,
                Low = d.Activation.Low,
                High = d.Activation.High,
            },
            _ => null,
        };
    }

    /// <summary>The error of a layer whose accumulator may overflow.</summary>
    public static QuantizationException NotProved(Node node, AccumulatorBound bound) => new(
        QuantizationErrorCode.AccumulatorNotProved,
        string.Create(CultureInfo.InvariantCulture, $"{node.Kind} '{node.Name}', channel {bound.Channel}: expected an accumulator of at most {int.MaxValue}, found that it can reach {bound.Worst}. Use fewer bits for this layer or keep it in float."));

    private static float[] Spread(ImmutableArray<float> numbers, int count) => numbers.Length == 1 ? [.. Enumerable.Repeat(numbers[0], count)] : [.. numbers];

    private static void Add(PackingState state, IntegerLayer layer, Choice choice, long weightBytes, int source, int destination, string operation, Func<BindContext, BoundStep> bind)
        => state.Add(new PackedStep(layer.Node.Name, $"Integer{operation}{layer.Join?.Names}→{layer.Epilogue.Output}", [source, .. layer.Join?.Reads ?? []], [destination, .. layer.Join?.Writes ?? []], bind)
        {
            Facts = new LayerFacts(layer.Bits, "exact in int32, proved from the weights" + (layer.NoPlanes.Length > 0 ? "; on bytes, because " + layer.NoPlanes : string.Empty) + layer.Levels, layer.Bound, weightBytes),
            InPlace = (destination, layer.Join?.Other),
            Kernels = choice.Set,
            Choice = choice.Why,
        });

    private sealed record IntegerLayer(Node Node, Node? Tail, ValueId Result, IntegerWeights Weights, EpilogueData Epilogue, byte Padding, string Bits, string NoPlanes, long Bound)
    {
        public JoinPacking? Join { get; private init; }

        /// <summary>Weights that stay codes; null for others.</summary>
        public CodebookCodes? Codes { get; init; }

        /// <summary><see cref="ConvolutionGeometry.WeightBits"/> of its kernel.</summary>
        public int KernelBits => Codes is null ? Weights.Bits : 0;

        /// <summary>The levels of codebook weights; null for others.</summary>
        public Codebook? Book { get; init; }

        /// <summary>What becomes of the levels, for people.</summary>
        public string Levels => Book is null ? string.Empty : $"; {Book}, {(Codes is null ? "decoded when packed" : "looked up in registers")}";

        /// <summary>The same with what follows its codes.</summary>
        public IntegerLayer Joined(JoinPacking? join) => join is null ? this : this with { Join = join, Epilogue = join.Epilogue, Result = join.Stream };
    }
}
