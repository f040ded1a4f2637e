using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>The forms of functions, sums, products and means of codes.</summary>
internal sealed class ElementwiseLowering(Graph graph, GraphFunction evaluate)
{
    /// <summary>The form of a node's result, or null when it has none but float.</summary>
    public Form? Lower(Node node, Func<ValueId, Form?> form) => node switch
    {
        Unary unary => Unary(unary, form(unary.Inputs[0])),
        Binary binary => Affine(binary with { Activation = Activation.None }, binary.Activation, form) ?? Binary(binary, form(binary.Inputs[0]), form(binary.Inputs[1])),
        BatchNormalization => Affine(node, Activation.None, form),
        AveragePool or GlobalAveragePool => IsTensorWise(form(node.Inputs[0])) ? new Form.Mean((Form.Codes)form(node.Inputs[0])!, node) : null,
        _ => null,
    };

    private static bool IsTensorWise(Form? form) => form is Form.Codes { Quantizer.Granularity: Granularity.PerTensor };

    private Form? Unary(Unary node, Form? input)
    {
        var clamp = new Activation(node.Alpha, node.Beta);
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

    private Form.Scaled? Affine(Node node, Activation clamp, Func<ValueId, Form?> form)
    {
        ChannelAffine? affine = ChannelAffine.Of(graph, node);
        return (affine is null ? null : form(affine.Input)) switch
        {
            Form.Codes codes when IsTensorWise(codes) => new Form.Scaled(codes.Id, [.. affine!.Scale.Select(s => s * codes.Quantizer.Single.Scale)], affine.Shift, affine.Axis, clamp),
            Form.Scaled { Clamp.IsNone: true } scaled when scaled.Axis == affine!.Axis || scaled.Multipliers.Length == 1 || affine.Scale.Length + affine.Shift.Length == 2
                => Compose(scaled, affine!, clamp),
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

    private static double Pick(double[] numbers, int index) => numbers[numbers.Length == 1 ? 0 : index];

    private static Form? Binary(Binary node, Form? left, Form? right)
    {
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
