using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Layers of 1 or 2 bits on bit planes: products are bitwise operations and sums are counts of bits.</summary>
internal static class PlanePacking
{
    private const string Reason = "popcount: weights and inputs have at most 2 bits, so that products are bitwise and sums count bits; exact in int32";

    /// <summary>Packs an <see cref="IntegerConvolution"/> that <see cref="PackingState.Planes"/> names.</summary>
    public static bool Convolution(PackingState state, Node node)
    {
        if (!state.Planes.Has(node))
        {
            return false;
        }

        var convolution = (IntegerConvolution)node;
        (ValueId from, Window window, int padding) = state.Producer(node.Inputs[0]) is Pad pad && IsMelted(state, pad)
            ? (pad.Inputs[0], convolution.Window with { PadsBegin = pad.Before[2..], PadsEnd = pad.After[2..] }, (int)pad.Value)
            : (node.Inputs[0], convolution.Window, PlaneGeometry.NoPaddingCode);
        Add(state, node, from, (input, output) => Geometry.Convolution(window, convolution.Groups, input, output), "PlaneConvolution", padding);
        return true;
    }

    /// <summary>Packs a <see cref="Pad"/> that the kernel of the only layer behind it does on the way.</summary>
    public static bool Padding(PackingState state, Node node) => IsMelted(state, (Pad)node);

    private static bool IsMelted(PackingState state, Pad pad)
    {
        bool isSpatial = pad.Mode == PadMode.Constant && pad.Before.Length > 2 && pad.Before.Take(2).Concat(pad.After.Take(2)).All(p => p == 0) && pad.Before.Concat(pad.After).All(p => p >= 0);
        return isSpatial && state.TypeOf(pad.Output).Quantization is { IsMidRise: true }
            && state.OnlyConsumer(pad.Output) is IntegerConvolution convolution && state.Planes.Has(convolution) && convolution.Window.PadsBegin.Concat(convolution.Window.PadsEnd).All(p => p == 0);
    }

    /// <summary>Packs an <see cref="IntegerDense"/> that <see cref="PackingState.Planes"/> names; behind a flatten it is a convolution whose kernel is the image.</summary>
    public static bool Dense(PackingState state, Node node)
    {
        if (!state.Planes.Has(node))
        {
            return false;
        }

        ValueId from = node.Inputs[0];
        Shape weights = state.TypeOf(node.Inputs[1]).Shape;
        if (IntegerPacking.TryFlattened(state, from, out ValueId image))
        {
            Add(state, node, image, (input, _) => WholeImage(input, weights[0]), "PlaneDense");
        }
        else
        {
            Add(state, node, from, (input, _) => ConvolutionGeometry.Dense(input[0], weights[1], weights[0]), "PlaneDense");
        }

        return true;
    }

    private static ConvolutionGeometry WholeImage(Shape input, int outputs)
    {
        int[] sizes = [.. Enumerable.Repeat(1, 5 - input.Rank), .. input.Dimensions[2..]];
        return ConvolutionGeometry.Dense(input[0], input[1], outputs) with
        {
            InDepth = sizes[0],
            InHeight = sizes[1],
            InWidth = sizes[2],
            KernelDepth = sizes[0],
            KernelHeight = sizes[1],
            KernelWidth = sizes[2],
        };
    }

    private static void Add(PackingState state, Node node, ValueId from, Func<Shape, Shape, ConvolutionGeometry> sizes, string operation, int padding = PlaneGeometry.NoPaddingCode)
    {
        AffineQuantization input = state.TypeOf(node.Inputs[0]).Quantization!;
        AffineQuantization quantizer = state.TypeOf(node.Inputs[1]).Quantization!;
        Tensor constant = state.Constant(node.Inputs[1])!;
        (IntegerWeights weights, int[] folded, long worst) = Fold(state, node, constant, quantizer, input);
        PlaneWeightCodes kind = PlaneWeightCodes.Of(weights.Values)!.Value;
        PlaneGeometry Geometry(ConvolutionGeometry convolution) => new(convolution, input.IsMidRise ? PlaneKind.MidRise : PlaneKind.Unsigned, input.Code.Bits.Bits, kind.Kind, kind.Bits)
        {
            // Padding read as the zero point cancels in the folded bias.
            PaddingCode = input.Single.ZeroPoint == 0 ? padding : input.Single.ZeroPoint,
        };
        PlaneGeometry one = Geometry(sizes(state.TypeOf(from).Shape.Bind(1), state.TypeOf(node.Output).Shape.Bind(1)));
        Choice choice = state.Chooser.Choose(KernelWork.Of(one));
        PackedWeights packed = Pack(state, choice.Set, constant, one, weights, kind);
        int source = state.Read(from, Layout.BitPlanes);
        Ending ending = End(state, node, folded, one.Convolution);
        JoinPacking? join = ending.Join;
        ValueId result = join?.Stream ?? (ending.Tail ?? node).Output;
        Layout layout = ending.Thresholds is { PlaneBits: > 0 } ? Layout.BitPlanes : Layouts.Natural(state.TypeOf(result).Shape);
        int destination = state.Write(result, layout);
        string bits = string.Create(CultureInfo.InvariantCulture, $"W{quantizer.Code.Bits}A{input.Code.Bits}");
        state.Add(new PackedStep(node.Name, $"{operation}{join?.Names}→{ending.Output(layout)}", [source, .. join?.Reads ?? []], [destination, .. join?.Writes ?? []], c =>
        {
            PlaneGeometry geometry = Geometry(sizes(c.ShapeOf(from), c.ShapeOf(node.Output)));
            return new PlaneConvolutionStep(c, geometry, packed, ending.Epilogue, ending.Thresholds, source, destination);
        })
        {
            Facts = new LayerFacts(bits, Reason, worst, packed.ByteLength),
            InPlace = (destination, join?.Other),
            Kernels = choice.Set,
            Choice = choice.Why,
        });
    }

    /// <summary>The weights as integers, the bias with the input's zero point in it, and the worst sum, which must be proved.</summary>
    private static (IntegerWeights Weights, int[] Bias, long Worst) Fold(PackingState state, Node node, Tensor constant, AffineQuantization quantizer, AffineQuantization input)
    {
        Tensor? bias = node.Inputs.Length > 2 ? state.Constant(node.Inputs[2]) : null;
        IntegerWeights weights = IntegerWeights.TryCreate(constant, quantizer)!;
        AccumulatorBound bound = AccumulatorBound.Of(constant, quantizer, input, bias);
        return bound.IsProved ? (weights, weights.FoldZeroPoint(bias, input.Single.ZeroPoint), bound.Worst) : throw IntegerPacking.NotProved(node, bound);
    }

    /// <summary>What the step does with its sums; nodes that it takes along are done.</summary>
    private static Ending End(PackingState state, Node node, int[] bias, in ConvolutionGeometry sizes)
    {
        (Node? tail, EpilogueData epilogue, ThresholdData<int>? thresholds) = Tail(state, node, bias, sizes);
        if (tail is not null)
        {
            state.Done.Add(tail);
        }

        JoinPacking? join = thresholds is null && state.TypeOf(node.Output).Shape.Rank > 2 ? JoinPacking.TryCreate(state, tail, epilogue, sizes) : null;
        return new Ending(tail, join?.Epilogue ?? epilogue, thresholds, join);
    }

    private sealed record Ending(Node? Tail, EpilogueData Epilogue, ThresholdData<int>? Thresholds, JoinPacking? Join)
    {
        public string Output(Layout layout) => Thresholds is null ? Epilogue.Output.ToString() : layout == Layout.BitPlanes ? "Planes" : "UInt8";
    }

    private static PackedWeights Pack(PackingState state, KernelSet kernels, Tensor constant, PlaneGeometry geometry, IntegerWeights weights, PlaneWeightCodes kind)
    {
        ConvolutionGeometry sizes = geometry.Convolution;
        string form = string.Create(CultureInfo.InvariantCulture, $"planes/{kernels.Name}/{geometry.SourceKind}{geometry.SourceBits}/{kind}/{geometry.PaddingCode}/{sizes.GroupInChannels}x{sizes.KernelDepth}x{sizes.KernelHeight}x{sizes.KernelWidth}/{sizes.Groups}");
        return state.Weights.Get(constant, form, () => kernels.PackConvolutionPlanes(geometry, kind.Encode(weights.TapsFirst(sizes.GroupInChannels))));
    }

    /// <summary>What is fused behind the layer: thresholds, a requantizer (as thresholds where it has few codes) or the step to floats.</summary>
    private static (Node? Tail, EpilogueData Epilogue, ThresholdData<int>? Thresholds) Tail(PackingState state, Node node, int[] bias, in ConvolutionGeometry sizes)
    {
        var plain = new EpilogueData { Bias = bias, Output = AccumulatorOutput.Int32 };
        bool planes = sizes.Groups == 1 || sizes.GroupOutChannels % PlaneLayout.WordBits == 0;
        ThresholdData<int>? found = state.OnlyConsumer(node.Output) switch
        {
            Thresholds t when ThresholdData.Fits(t.Result) && Layouts.IsChannelAxis(state, node.Output, t.Axis, t.Channels) => ThresholdData.OfIntegers(t, bias.Length, null),
            Requantize r when r.Result.Code.Bits.Bits <= PlaneLayout.MostBits && ThresholdData.Fits(r.Result) && Layouts.IsChannelAxis(state, node.Output, r.Axis, r.Multipliers.Length) => ThresholdData.Of(r, bias.Length),
            _ => null,
        };
        if (found is not null)
        {
            Node tail = state.OnlyConsumer(node.Output)!;
            return (tail, plain, found with { PlaneBits = planes && Layouts.WantsPlanes(state, tail.Output) ? state.TypeOf(tail.Output).Quantization!.Code.Bits.Bits : 0 });
        }

        (Node? other, EpilogueData epilogue) = IntegerPacking.Tail(state, node, 1, bias);
        return (other, epilogue, null);
    }
}
