using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Convolutions and dense layers of codes: weights as codes, bias in accumulator steps, the proof that the accumulator fits.</summary>
internal sealed class LayerLowering(PassWalk walk, GraphRewriter rewriter)
{
    private const int RowBits = 8;
    private const int RowCode = 127;
    private readonly PlaneLowering _planes = new(rewriter.Builder);
    private readonly BlockLowering _blocks = new(rewriter.Builder);

    /// <summary>What became of the layers so far.</summary>
    public List<LayerOutcome> Reports { get; } = [];

    /// <summary>Writes the integer layer, or one for each pair of addends of its input and weights, and gives the form of the accumulators; null when the layer stays float.</summary>
    public Form? Lower(Node node, Form? input, Form? weights)
    {
        input = _planes.Split(input);
        if (_blocks.Terms(weights) is { } terms && LowerBlocks(node, input, terms) is { } blocks)
        {
            return blocks;
        }

        bool sums = input is Form.Planes or Form.Sum || weights is Form.Planes;
        return sums && PlaneLowering.Parts(input) is { } xs && PlaneLowering.Parts(weights) is { } ws ? LowerPlanes(node, xs, ws) : LowerCodes(node, input, weights);
    }

    private Form.Combined? LowerPlanes(Node node, ImmutableArray<Form.Codes> xs, ImmutableArray<Form.Codes> ws)
    {
        int weightBits = ws.Sum(w => w.Quantizer.Code.Bits.Bits);
        int activationBits = xs.Sum(x => x.Quantizer.Code.Bits.Bits);
        long worst = 0;
        string? obstacle = ws.SelectMany(w => xs.Select(x => Obstacle(node, x, w))).FirstOrDefault(o => o is not null) ?? _planes.Obstacle(xs, ws, out worst);
        if (obstacle is not null)
        {
            Reports.Add(new LayerOutcome(node.Name, node.Kind, LayerPlan.FloatBits, LayerPlan.FloatBits, false, obstacle, 0));
            return null;
        }

        (ImmutableArray<ValueId> ids, double[][] steps) = _planes.Emit(node.Name, xs, ws, (x, w, name) => Emit(node with { Name = name }, x, w, null));
        string reason = string.Create(CultureInfo.InvariantCulture, $"a sum of {ids.Length} integer layers");
        Reports.Add(new LayerOutcome(node.Name, node.Kind, weightBits, activationBits, true, reason, worst));
        return new Form.Combined(ids, steps, Offsets(node), Axis(node), Clamp(node));
    }

    /// <summary>Writes a layer for each term of each run of input channels of block-scaled ternary weights; null when the input is no code of one quantizer or an accumulator is not proved.</summary>
    private Form.Combined? LowerBlocks(Node node, Form? input, ImmutableArray<Form.Codes> terms)
    {
        if (node is Convolution { Groups: > 1 } || InputObstacle(node, input) is not null)
        {
            return null;
        }

        var x = (Form.Codes)input!;
        ImmutableArray<BlockLowering.Piece> pieces = _blocks.Cut(terms);
        AccumulatorBound[] bounds = [.. pieces.Select(p => AccumulatorBound.Of(p.Codes, p.Quantizer, x.Quantizer, null))];
        if (!bounds.All(b => b.IsProved))
        {
            return null;
        }

        int axis = node is Convolution ? 1 : walk.Graph[node.Inputs[0]].Type.Shape.Rank - 1;
        (ValueId Id, double[] Steps)[] layers = [.. _blocks.Operands(x, pieces, axis, node.Name)
            .Select(p => (Emit(node with { Name = p.Name }, p.X, p.W, null), PlaneLowering.Steps(rewriter.Builder[p.W.Id].Constant!, p.X, p.W)))];
        string reason = string.Create(CultureInfo.InvariantCulture, $"blocks of {terms[0].Quantizer.GroupSize} input channels, a sum of {layers.Length} integer layers with their scales in float");
        Reports.Add(new LayerOutcome(node.Name, node.Kind, terms.Sum(t => t.Quantizer.Code.Bits.Bits), x.Quantizer.Code.Bits.Bits, true, reason, bounds.Max(b => b.Worst)));
        return new Form.Combined([.. layers.Select(l => l.Id)], [.. layers.Select(l => l.Steps)], Offsets(node), Axis(node), Clamp(node));
    }

    private Form? LowerCodes(Node node, Form? input, Form? weights)
    {
        if (Obstacle(node, input, weights) is { } reason)
        {
            Report(node, input, weights, reason, 0);
            return null;
        }

        (var x, var w) = ((Form.Codes)input!, (Form.Codes)weights!);
        Tensor codes = rewriter.Builder[w.Id].Constant!;
        double[] steps = PlaneLowering.Steps(codes, x, w);
        (Tensor? bias, double[] remainder) = Bias(node, steps, x.Quantizer.Code.Bits.Bits + w.Quantizer.Code.Bits.Bits);
        AccumulatorBound bound = AccumulatorBound.Of(codes, w.Quantizer, x.Quantizer, bias);
        if (!bound.IsProved)
        {
            if (LowerDeep(node, x, w, steps) is { } deep)
            {
                return deep;
            }

            string place = string.Create(CultureInfo.InvariantCulture, $"the accumulator of channel {bound.Channel} can reach {bound.Worst}, above 2^31 - 1");
            Report(node, input, weights, place, 0);
            return null;
        }

        Report(node, input, weights, string.Empty, bound.Worst);
        return new Form.Scaled(Emit(node, x, w, bias), steps, remainder, Axis(node), Clamp(node));
    }

    /// <summary>Writes one layer for each run of input channels whose accumulator is proved; null where there is no such cut.</summary>
    private Form.Combined? LowerDeep(Node node, Form.Codes x, Form.Codes w, double[] steps)
    {
        Tensor codes = rewriter.Builder[w.Id].Constant!;
        bool cuts = node is not Convolution { Groups: > 1 } && w.Quantizer.Codebook is null;
        if (!cuts || DeepLowering.Cut(codes, w.Quantizer, x.Quantizer) is not { } runs)
        {
            return null;
        }

        int axis = node is Convolution ? 1 : walk.Graph[node.Inputs[0]].Type.Shape.Rank - 1;
        var ids = ImmutableArray.CreateBuilder<ValueId>(runs.Length);
        long worst = 0;
        foreach ((int Begin, int End) run in runs)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{node.Name}.part{ids.Count}");
            (Form.Codes partX, Form.Codes partW) = DeepLowering.Operands(rewriter.Builder, x, w, axis, run, name);
            worst = Math.Max(worst, AccumulatorBound.Of(rewriter.Builder[partW.Id].Constant!, w.Quantizer, x.Quantizer, null).Worst);
            ids.Add(Emit(node with { Name = name }, partX, partW, null));
        }

        string reason = string.Create(CultureInfo.InvariantCulture, $"too deep for one accumulator, a sum of {runs.Length} integer layers");
        Reports.Add(new LayerOutcome(node.Name, node.Kind, w.Quantizer.Code.Bits.Bits, x.Quantizer.Code.Bits.Bits, true, reason, worst));
        return new Form.Combined(ids.MoveToImmutable(), [.. runs.Select(_ => steps)], Offsets(node), Axis(node), Clamp(node));
    }

    private double[] Offsets(Node node) => node.Inputs.Length < 3 ? [0] : [.. BiasReals(BiasSource(node)!).Values<float>().ToArray().Select(b => (double)b)];

    /// <summary>Writes the integer product of two values of codes; null when an operand has none.</summary>
    public Form.Scaled? LowerProduct(Node node, Form? left, Form? right)
    {
        bool codes = IsNarrow(left) && IsNarrow(right) && walk.Graph[node.Inputs[0]].Type.Shape[-1] is > 0 and <= IntegerMatMul.LongestDepth;
        if (!codes)
        {
            return null;
        }

        (var a, var b) = ((Form.Codes)left!, (Form.Codes)right!);
        ValueId product = rewriter.Builder.Add(new IntegerMatMul { Name = node.Name, Inputs = [a.Id, b.Id] }, walk.Graph[node.Output].Name + ".accumulator");
        return new Form.Scaled(product, [(double)a.Quantizer.Single.Scale * b.Quantizer.Single.Scale], [0], 0, Activation.None);
    }

    /// <summary>Writes a dense layer with weights in groups, which quantizes the rows of its float input itself, or takes them as they are; null when it has no such weights or its bias is computed.</summary>
    public ValueId? LowerGroups(Node node, Form? weights, Func<ValueId, ValueId> floats, bool floatInputs)
    {
        bool constant = node.Inputs.Length < 3 || walk.Graph[node.Inputs[2]].Constant is not null;
        if (weights is not Form.Codes { Quantizer: { Granularity: Granularity.PerGroup, Code.Signed: true } w } codes || !constant || rewriter.Builder[codes.Id].Constant is not { } tensor)
        {
            return null;
        }

        int size = Math.Min(w.GroupSize, tensor.Shape[1]);
        if (tensor.Shape.Axis(w.Axis) != 1 || w.Code.Bits.Bits > 8 || size > GroupedDense.LongestGroup || w.ZeroPoints.Any(z => z != 0))
        {
            return null;
        }

        ImmutableArray<ValueId> inputs = [floats(node.Inputs[0]), codes.Id, .. node.Inputs[2..].Select(floats)];
        string reason = string.Create(CultureInfo.InvariantCulture, $"weights in groups of {size}, {(floatInputs ? "inputs float as asked for" : "inputs quantized row by row")}");
        long bound = (long)Math.Max(-w.Range.Min, w.Range.Max) * RowCode * size;
        Reports.Add(new LayerOutcome(node.Name, node.Kind, w.Code.Bits.Bits, floatInputs ? LayerPlan.FloatBits : RowBits, !floatInputs, reason, floatInputs ? 0 : bound));
        return rewriter.Builder.Add(new GroupedDense { Name = node.Name, Inputs = inputs, Activation = Clamp(node), FloatInputs = floatInputs }, walk.Graph[node.Output].Name);
    }

    private static bool IsNarrow(Form? form) => form is Form.Codes { Quantizer: { Granularity: Granularity.PerTensor, Code.Bits.Bits: <= 8, IsMidRise: false } };

    private static Activation Clamp(Node node) => node is Convolution convolution ? convolution.Activation : ((Dense)node).Activation;

    private int Axis(Node node) => node is Convolution ? 1 : walk.Graph[node.Output].Type.Shape.Rank - 1;

    private string? Obstacle(Node node, Form? input, Form? weights)
    {
        if (weights is not Form.Codes w || rewriter.Builder[w.Id].Constant is null)
        {
            return "its weights are not quantized";
        }

        bool axis = w.Quantizer.Granularity == Granularity.PerTensor || (w.Quantizer.Granularity == Granularity.PerAxis && w.Quantizer.Axis == 0);
        if (!axis || w.Quantizer.Code.Bits.Bits > 8)
        {
            return "its weights have no scale for each output channel";
        }

        if (w.Quantizer.Codebook is { IsInteger: false })
        {
            return "its weights are a codebook of floats";
        }

        return InputObstacle(node, input);
    }

    private string? InputObstacle(Node node, Form? input)
    {
        if (input is not Form.Codes { Quantizer: { Granularity: Granularity.PerTensor, Code.Bits.Bits: <= 8 } })
        {
            return "its input is not quantized to 8 bits or fewer";
        }

        return node.Inputs.Length > 2 && BiasSource(node) is null ? "its bias is not constant" : null;
    }

    /// <summary>A constant bias in floats, or the codes of a dequantized one.</summary>
    private Value? BiasSource(Node node)
    {
        Value value = walk.Graph[node.Inputs[2]];
        return value.Constant is not null
            ? value
            : walk.Producer(node.Inputs[2]) is Dequantize dequantize && walk.Graph[dequantize.Inputs[0]] is { Constant: not null } codes ? codes : null;
    }

    private static Tensor BiasReals(Value source) => source.Type.Quantization is { } quantizer ? quantizer.Decode(source.Constant!) : source.Constant!;

    private (Tensor? Bias, double[] Remainder) Bias(Node node, double[] steps, int bits)
    {
        if (node.Inputs.Length < 3)
        {
            return (null, [0]);
        }

        Value source = BiasSource(node)!;
        if (source.Type.Quantization is { Code.Bits.Bits: 32 } stored && HasSteps(stored, steps))
        {
            return (source.Constant, [0]);
        }

        (int[] codes, double[] remainder) = BiasRules.Round(BiasReals(source).Values<float>().ToArray(), steps, bits);
        return (Tensor.Create(Shape.Of(codes.Length), codes), remainder);
    }

    /// <summary>Whether stored codes already count in these steps (a file holds them rounded to float32).</summary>
    private static bool HasSteps(AffineQuantization stored, double[] steps) => stored.ZeroPoints.All(z => z == 0)
        && (stored.Scales.Length == 1 || stored.Scales.Length == steps.Length)
        && steps.Select((step, c) => Math.Abs((stored.Scales[stored.Scales.Length == 1 ? 0 : c] / step) - 1)).Max() < 1e-6;

    private ValueId Emit(Node node, Form.Codes x, Form.Codes w, Tensor? bias)
    {
        ImmutableArray<ValueId> inputs = [x.Id, w.Id];
        if (bias is not null)
        {
            inputs = inputs.Add(rewriter.Builder.AddConstant(node.Name + ".bias", bias));
        }

        Node integer = node is Convolution convolution
            ? new IntegerConvolution { Name = node.Name, Inputs = inputs, Window = convolution.Window, Groups = convolution.Groups }
            : new IntegerDense { Name = node.Name, Inputs = inputs };
        return rewriter.Builder.Add(integer, walk.Graph[node.Output].Name + ".accumulator");
    }

    private void Report(Node node, Form? input, Form? weights, string reason, long bound)
    {
        int weightBits = weights is Form.Codes w ? w.Quantizer.Code.Bits.Bits : LayerPlan.FloatBits;
        int activationBits = input is Form.Codes x ? x.Quantizer.Code.Bits.Bits : LayerPlan.FloatBits;
        Reports.Add(new LayerOutcome(node.Name, node.Kind, weightBits, activationBits, reason.Length == 0, reason, bound));
    }
}
