using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Gemm and MatMul: a dense layer when the second operand is constant, else a product of two values.</summary>
internal static class LinearOperators
{
    public static ImportValue MatMul(NodeCall call)
    {
        call.RequireFloat(0, 1);
        ImportValue a = call.Input(0);
        ImportValue b = call.Input(1);
        bool matrix = b.Shape.Rank == 2 && b.Shape.FixedCount > 0 && a.Shape.Rank >= 1 && a.Constant is null;
        ImportValue? weights = matrix ? call.TransposedWeights(b) : null;
        return weights is null ? call.Emit(new MatMul(), a, b) : call.Emit(new Dense(), a, weights);
    }

    public static ImportValue Gemm(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        call.RequireValid(call.Shape(0).Rank == 2 && call.Shape(1).Rank == 2, $"two matrices, found {call.Shape(0)} and {call.Shape(1)}");
        ImportValue a = call.Attributes.Flag("transA") ? Transposed(call, call.Input(0)) : call.Input(0);
        bool transposed = call.Attributes.Flag("transB");
        float alpha = call.Attributes.Float("alpha", 1);
        ImportValue? c = Scaled(call, call.Optional(2), call.Attributes.Float("beta", 1));
        if (Weights(call, call.Input(1), transposed, alpha) is not { } weights)
        {
            ImportValue product = call.Emit(new MatMul(), a, transposed ? Transposed(call, call.Input(1)) : call.Input(1));
            product = alpha == 1 ? product : call.Binary(BinaryOperator.Multiply, product, call.Scalar(alpha));
            return c is null ? product : call.Binary(BinaryOperator.Add, product, c);
        }

        ImportValue? bias = c is null ? null : Bias(call, c, weights.Shape[0]);
        ImportValue dense = bias is null ? call.Emit(new Dense(), a, weights) : call.Emit(new Dense(), a, weights, bias);
        return c is null || bias is not null ? dense : call.Binary(BinaryOperator.Add, dense, c);
    }

    /// <summary>Constant weights [O, K] with α in them; null when they are no constant.</summary>
    private static ImportValue? Weights(NodeCall call, ImportValue b, bool transposed, float alpha)
    {
        bool constant = b.Constant is not null || b.DequantizedFrom is not null;
        if (!constant || b.Shape.FixedCount == 0 || (alpha != 1 && b.Constant is null))
        {
            return null;
        }

        ImportValue weights = transposed ? b : call.TransposedWeights(b)!;
        return alpha == 1 ? weights : ScaledConstant(call, weights, alpha);
    }

    private static ImportValue? Scaled(NodeCall call, ImportValue? c, float beta)
    {
        if (c is null || beta == 0)
        {
            return null;
        }

        if (beta == 1)
        {
            return c;
        }

        return c.Constant is null ? call.Binary(BinaryOperator.Multiply, c, call.Scalar(beta)) : ScaledConstant(call, c, beta);
    }

    private static ImportValue ScaledConstant(NodeCall call, ImportValue value, float factor)
    {
        call.Context.Budget.Reserve(value.Constant!.Bytes.Length, call.Place);
        return call.NewConstant(Tensor.Create(value.Shape, value.Constant.Values<float>().ToArray().Select(v => v * factor).ToArray()));
    }

    /// <summary>C as a bias [O]; null when it varies by row or is computed in another shape.</summary>
    private static ImportValue? Bias(NodeCall call, ImportValue c, int outputs)
    {
        bool row = c.Shape.Rank is 1 || (c.Shape.Rank == 2 && c.Shape[0] == 1);
        if (row && c.Shape[-1] == outputs)
        {
            return call.ReshapeTo(c, Shape.Of(outputs));
        }

        bool scalar = c.Constant is not null && c.Shape.FixedCount == 1 && c.Shape.Rank <= 2;
        return scalar ? call.NewConstant(Tensor.Create(Shape.Of(outputs), Enumerable.Repeat(c.Constant!.Values<float>()[0], outputs).ToArray())) : null;
    }

    private static ImportValue Transposed(NodeCall call, ImportValue value) => call.Emit(new Transpose { Permutation = [1, 0] }, value);
}
