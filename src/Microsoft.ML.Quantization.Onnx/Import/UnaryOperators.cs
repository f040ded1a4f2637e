using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Functions of one element.</summary>
internal static class UnaryOperators
{
    private static readonly FrozenDictionary<string, Function> _functions = new Dictionary<string, Function>(StringComparer.Ordinal)
    {
        ["LeakyRelu"] = new(UnaryOperator.LeakyRelu, 0.01f),
        ["Elu"] = new(UnaryOperator.Elu, 1),
        ["Selu"] = new(UnaryOperator.Selu, 1.67326319217681884765625f, 1.05070102214813232421875f, "gamma"),
        ["Celu"] = new(UnaryOperator.Celu, 1),
        ["ThresholdedRelu"] = new(UnaryOperator.ThresholdedRelu, 1),
        ["Sigmoid"] = new(UnaryOperator.Sigmoid),
        ["HardSigmoid"] = new(UnaryOperator.HardSigmoid, 0.2f, 0.5f),
        ["HardSwish"] = new(UnaryOperator.HardSwish),
        ["Tanh"] = new(UnaryOperator.Tanh),
        ["Softplus"] = new(UnaryOperator.Softplus),
        ["Softsign"] = new(UnaryOperator.Softsign),
        ["Exp"] = new(UnaryOperator.Exp),
        ["Log"] = new(UnaryOperator.Log),
        ["Sqrt"] = new(UnaryOperator.Sqrt),
        ["Abs"] = new(UnaryOperator.Abs),
        ["Neg"] = new(UnaryOperator.Negate),
        ["Floor"] = new(UnaryOperator.Floor),
        ["Ceil"] = new(UnaryOperator.Ceiling),
        ["Round"] = new(UnaryOperator.Round),
        ["Reciprocal"] = new(UnaryOperator.Reciprocal),
        ["Erf"] = new(UnaryOperator.Erf),
        ["Mish"] = new(UnaryOperator.Mish),
        ["Sign"] = new(UnaryOperator.Sign),
        ["Swish"] = new(UnaryOperator.Swish, 1),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Any function of the table above, with its alpha and its beta (or gamma).</summary>
    public static ImportValue Import(NodeCall call, string name)
    {
        call.RequireFloat(0);
        Function function = _functions[name];
        var node = new Unary
        {
            Operator = function.Operator,
            Alpha = call.Attributes.Float("alpha", function.Alpha),
            Beta = call.Attributes.Float(function.BetaName, function.Beta),
        };
        return call.Emit(node, call.Input(0));
    }

    /// <summary>−x, of integers too.</summary>
    public static ImportValue Negate(NodeCall call)
    {
        ImportValue x = call.Input(0);
        return x.Type.Element switch
        {
            ElementType.Int64 => call.Binary(BinaryOperator.Subtract, call.NewConstant(Tensor.Create(Shape.Scalar, [0L])), x),
            ElementType.Int32 => call.Binary(BinaryOperator.Subtract, call.NewConstant(Tensor.Create(Shape.Scalar, [0])), x),
            _ => Import(call, "Neg"),
        };
    }

    public static ImportValue Relu(NodeCall call)
    {
        call.RequireFloat(0);
        return call.Emit(new Unary { Operator = UnaryOperator.Clip, Alpha = 0, Beta = float.PositiveInfinity }, call.Input(0));
    }

    public static ImportValue Gelu(NodeCall call)
    {
        call.RequireFloat(0);
        string approximate = call.Attributes.Text("approximate", "none");
        call.RequireValid(approximate is "none" or "tanh", $"approximate none or tanh, found '{approximate}'");
        return call.Emit(new Unary { Operator = approximate == "tanh" ? UnaryOperator.GeluTanh : UnaryOperator.Gelu }, call.Input(0));
    }

    /// <summary>Bounds are attributes up to operator set 10, inputs from 11 on.</summary>
    public static ImportValue Clip(NodeCall call)
    {
        if (QuantizationOperators.TryNarrow(call) is { } narrowed)
        {
            return narrowed;
        }

        call.RequireFloat(0, 1, 2);
        if (call.Optional(1) is { Constant: null } || call.Optional(2) is { Constant: null })
        {
            ImportValue x = call.Input(0);
            x = call.Has(1) ? call.Binary(BinaryOperator.Maximum, x, call.Input(1)) : x;
            return call.Has(2) ? call.Binary(BinaryOperator.Minimum, x, call.Input(2)) : x;
        }

        float low = Bound(call, 1, "min", float.NegativeInfinity);
        float high = Bound(call, 2, "max", float.PositiveInfinity);
        return call.Emit(new Unary { Operator = UnaryOperator.Clip, Alpha = Math.Min(low, high), Beta = high }, call.Input(0));
    }

    private static float Bound(NodeCall call, int input, string attribute, float missing)
    {
        if (!call.Has(input))
        {
            return call.Attributes.Float(attribute, missing);
        }

        Tensor bound = call.Constant(input, attribute);
        call.RequireValid(bound.Shape.Count == 1, $"one number as {attribute}, found {bound}");
        return bound.Values<float>()[0];
    }

    private sealed record Function(UnaryOperator Operator, float Alpha = 0, float Beta = 0, string BetaName = "beta");
}
