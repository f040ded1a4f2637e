using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>The forms of functions, sums, products and means of codes.</summary>
internal sealed class ElementwiseLowering(Graph graph, GraphFunction evaluate, PlaneLowering planes)
{
    /// <summary>The form of a node's result, or null when it has none but float.</summary>
    public Form? Lower(Node node, Func<ValueId, Form?> form) => node switch
    {
        Unary unary => Unary(unary, form(unary.Inputs[0])),
        Binary { Operator: BinaryOperator.PRelu } bend => Bend(bend, form(bend.Inputs[0])),
        Binary binary => Affine(binary with { Activation = Activation.None }, binary.Activation, form) ?? Binary(binary, form(binary.Inputs[0]), form(binary.Inputs[1])),
        MaxPool pool => Pool(pool, form(pool.Inputs[0])),
        BatchNormalization => Affine(node, Activation.None, form),
        AveragePool or GlobalAveragePool => IsTensorWise(form(node.Inputs[0])) ? new Form.Mean((Form.Codes)form(node.Inputs[0])!, node) : null,
        _ => null,
    };

    private static bool IsTensorWise(Form? form) => form is Form.Codes { Quantizer.Granularity: Granularity.PerTensor };

    private Form? Unary(Unary node, Form? input)
    {
        var clamp = new Activation(node.Alpha, node.Beta);
        if (node is { Operator: UnaryOperator.LeakyRelu, Alpha: >= 0 } && input is Form.Scaled or Form.Curve)
        {
            return CurveEmitter.Of(input)!.Then(new CurveStep.Bend([node.Alpha]));
        }

        if (node.Operator != UnaryOperator.Clip || node.Alpha > node.Beta)
        {
            return Function(node, input);
        }

        return input switch
        {
            Form.Codes codes when IsTensorWise(codes) => new Form.Scaled(codes.Id, [codes.Quantizer.Single.Scale], [0], 0, clamp),
            Form.Scaled scaled => scaled with { Clamp = FuseActivation.Compose(scaled.Clamp, clamp) },
            Form.Sum sum => sum with { Clamp = FuseActivation.Compose(sum.Clamp, clamp) },
            Form.Product product => product with { Clamp = FuseActivation.Compose(product.Clamp, clamp) },
            Form.Combined combined => combined with { Clamp = FuseActivation.Compose(combined.Clamp, clamp) },
            Form.Curve curve => curve.Then(new CurveStep.Limit(clamp)),
            _ => Function(node, input),
        };
    }

    /// <summary>A function of few codes: the table of its values at every code, by the normative float operator.</summary>
    private Form.Table? Function(Unary node, Form? input)
    {
        if (AsTable(input) is not { } table)
        {
            return null;
        }

        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(table.Values.Length)));
        builder.AddOutput(builder.Add(node with { Inputs = [x] }));
        IReadOnlyList<Tensor> results = evaluate(builder.Build(), [Tensor.Create(Shape.Of(table.Values.Length), table.Values)]);
        return table with { Values = results[0].Values<float>().ToArray() };
    }

    private static Form.Table? AsTable(Form? form) => form switch
    {
        Form.Table table => table,
        Form.Codes { Quantizer: { Granularity: Granularity.PerTensor, Code.Bits.Bits: <= 8 } quantizer } codes
            => new Form.Table(codes, [.. Enumerable.Range(quantizer.Code.Range.Min, (int)quantizer.Code.Range.Count).Select(quantizer.Single.Dequantize)]),
        _ => null,
    };

    /// <summary>A PReLU with slopes from 0, one for all or one a channel.</summary>
    private Form.Curve? Bend(Binary node, Form? input)
    {
        if (input is not (Form.Scaled or Form.Curve) || CurveEmitter.Of(input) is not { } curve)
        {
            return null;
        }

        float[]? slopes = ChannelAffine.Numbers(graph, node.Inputs[1], node.Inputs[0], curve.Start.Axis);
        bool fits = slopes is not null && Array.TrueForAll(slopes, s => s >= 0) && graph[node.Output].Type.Shape.Equals(graph[node.Inputs[0]].Type.Shape);
        return !fits ? null : Finish(curve.Then(new CurveStep.Bend(slopes!)), node.Activation);
    }

    /// <summary>A max pool of a rising curve: thresholds behind it can stand before it.</summary>
    private static Form.Curve? Pool(MaxPool node, Form? input)
        => input is Form.Scaled or Form.Curve && CurveEmitter.Of(input) is { IsIncreasing: true } curve ? curve with { Pools = curve.Pools.Add(node) } : null;

    private static Form.Curve Finish(Form.Curve curve, Activation clamp) => clamp.IsNone ? curve : curve.Then(new CurveStep.Limit(clamp));

    private Form? Affine(Node node, Activation clamp, Func<ValueId, Form?> form)
    {
        ChannelAffine? affine = ChannelAffine.Of(graph, node);
        return (affine is null ? null : form(affine.Input)) switch
        {
            Form.Codes codes when IsTensorWise(codes) => new Form.Scaled(codes.Id, [.. affine!.Scale.Select(s => s * codes.Quantizer.Single.Scale)], affine.Shift, affine.Axis, clamp),
            Form.Scaled { Clamp.IsNone: true } scaled when scaled.Axis == affine!.Axis || scaled.Multipliers.Length == 1 || affine.Scale.Length + affine.Shift.Length == 2
                => Compose(scaled, affine!, clamp),
            Form.Combined { Clamp.IsNone: true } combined when combined.Axis == affine!.Axis || affine.Scale.Length + affine.Shift.Length == 2 => Compose(combined, affine!, clamp),
            Form.Scaled or Form.Curve when Line(form(affine!.Input)!, affine) is { } curve => Finish(curve, clamp),
            _ => null,
        };
    }

    private static Form.Scaled Compose(Form.Scaled scaled, ChannelAffine affine, Activation clamp)
    {
        int count = new[] { scaled.Multipliers.Length, scaled.Offsets.Length, affine.Scale.Length, affine.Shift.Length }.Max();
        IEnumerable<int> channels = Enumerable.Range(0, count);
        double[] multipliers = [.. channels.Select(c => Pick(scaled.Multipliers, c) * Pick(affine.Scale, c))];
        double[] offsets = [.. channels.Select(c => (Pick(scaled.Offsets, c) * Pick(affine.Scale, c)) + Pick(affine.Shift, c))];
        int axis = scaled.Multipliers.Length == 1 && scaled.Offsets.Length == 1 ? affine.Axis : scaled.Axis;
        return new Form.Scaled(scaled.Id, multipliers, offsets, axis, clamp);
    }

    private static Form.Combined Compose(Form.Combined combined, ChannelAffine affine, Activation clamp)
    {
        int count = new[] { combined.Multipliers.Max(m => m.Length), combined.Offsets.Length, affine.Scale.Length, affine.Shift.Length }.Max();
        IEnumerable<int> channels = Enumerable.Range(0, count);
        double[][] multipliers = [.. combined.Multipliers.Select(m => channels.Select(c => Pick(m, c) * Pick(affine.Scale, c)).ToArray())];
        double[] offsets = [.. channels.Select(c => (Pick(combined.Offsets, c) * Pick(affine.Scale, c)) + Pick(affine.Shift, c))];
        return combined with { Multipliers = multipliers, Offsets = offsets, Clamp = clamp };
    }

    /// <summary>An affine step behind a clamp, a bend or a pool, its numbers rounded to float32 once.</summary>
    private static Form.Curve? Line(Form form, ChannelAffine affine)
    {
        Form.Curve curve = CurveEmitter.Of(form)!;
        bool single = affine.Scale.Length + affine.Shift.Length == 2;
        bool shared = curve.Start.Multipliers.Length + curve.Start.Offsets.Length == 2 && curve.Steps.All(s => s.Channels == 1);
        if (!single && !shared && curve.Start.Axis != affine.Axis)
        {
            return null;
        }

        Form.Scaled start = shared && !single ? curve.Start with { Axis = affine.Axis } : curve.Start;
        return (curve with { Start = start }).Then(new CurveStep.Line([.. affine.Scale.Select(s => (float)s)], [.. affine.Shift.Select(s => (float)s)]));
    }

    private static double Pick(double[] numbers, int index) => numbers[numbers.Length == 1 ? 0 : index];

    private Form? Binary(Binary node, Form? left, Form? right)
    {
        if (node is { Operator: BinaryOperator.Add, Activation.IsNone: true } && planes.Add(left, right) is { } sum)
        {
            return sum;
        }

        if (!IsTensorWise(left) || !IsTensorWise(right))
        {
            return null;
        }

        (var a, var b) = ((Form.Codes)left!, (Form.Codes)right!);
        bool narrow = a.Quantizer.Code.Bits.Bits <= 8 && b.Quantizer.Code.Bits.Bits <= 8;
        return node.Operator switch
        {
            BinaryOperator.Add => new Form.Sum(a, b, 1, node.Activation),
            BinaryOperator.Subtract => new Form.Sum(a, b, -1, node.Activation),
            BinaryOperator.Multiply when narrow => new Form.Product(a, b, node.Activation),
            _ => null,
        };
    }
}
