using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>Functions of one element: dx = dy · f′, f′ from x, y and the attributes. A clamp passes strictly between its bounds; at a kink the right-hand side counts.</summary>
internal sealed class UnaryGradient : GradientRule
{
    private const float TwoBySqrtPi = 1.1283792f;

    private static readonly FrozenDictionary<UnaryOperator, Func<float, float, Unary, float>> _slopes = new Dictionary<UnaryOperator, Func<float, float, Unary, float>>
    {
        [UnaryOperator.Clip] = static (x, _, n) => x > n.Alpha && x < n.Beta ? 1 : 0,
        [UnaryOperator.LeakyRelu] = static (x, _, n) => x < 0 ? n.Alpha : 1,
        [UnaryOperator.Elu] = static (x, y, n) => x < 0 ? y + n.Alpha : 1,
        [UnaryOperator.Sigmoid] = static (_, y, _) => y * (1 - y),
        [UnaryOperator.HardSigmoid] = static (_, y, n) => y > 0 && y < 1 ? n.Alpha : 0,
        [UnaryOperator.HardSwish] = static (x, _, _) => x <= -3 ? 0 : x >= 3 ? 1 : (x / 3) + 0.5f,
        [UnaryOperator.Tanh] = static (_, y, _) => 1 - (y * y),
        [UnaryOperator.Softplus] = static (x, _, _) => FloatMath.Sigmoid(x),
        [UnaryOperator.Exp] = static (_, y, _) => y,
        [UnaryOperator.Log] = static (x, _, _) => 1 / x,
        [UnaryOperator.Sqrt] = static (_, y, _) => 0.5f / y,
        [UnaryOperator.Abs] = static (x, _, _) => x > 0 ? 1 : x < 0 ? -1 : 0,
        [UnaryOperator.Negate] = static (_, _, _) => -1,
        [UnaryOperator.Reciprocal] = static (_, y, _) => -(y * y),
        [UnaryOperator.Erf] = static (x, _, _) => TwoBySqrtPi * FloatMath.Exp(-(x * x)),
        [UnaryOperator.Gelu] = static (x, _, _) => (0.5f * (1 + FloatMath.Erf(x * 0.70710678f))) + (x * 0.39894228f * FloatMath.Exp(-0.5f * (x * x))),
        [UnaryOperator.Swish] = static (x, _, n) => Swish(n.Alpha, x, FloatMath.Sigmoid(n.Alpha * x)),
    }.ToFrozenDictionary();

    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override bool Covers(Node node) => _slopes.ContainsKey(((Unary)node).Operator);

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Unary)call.Node;
        if (node.Operator == UnaryOperator.Clip)
        {
            return [Clamps.Before(call, new Activation(node.Alpha, node.Beta), call.Inputs[0])];
        }

        Tensor dx = call.UnsetFor(0);
        Shares.Run(call.Pool, dx.Shape.Count, 4096, (call, node, dx, slope: _slopes[node.Operator]), static (w, begin, end) =>
        {
            ReadOnlySpan<float> x = w.call.Inputs[0].Values<float>();
            ReadOnlySpan<float> y = w.call.Outputs[0].Values<float>();
            ReadOnlySpan<float> dy = w.call.Gradient.Values<float>();
            Span<float> result = w.dx.Writable<float>();
            for (int i = begin; i < end; i++)
            {
                result[i] = dy[i] * w.slope(x[i], y[i], w.node);
            }
        });
        return [dx];
    }

    private static float Swish(float alpha, float x, float sigmoid) => sigmoid + (alpha * x * sigmoid * (1 - sigmoid));
}

/// <summary>Functions of two elements; the gradient of an operand that was repeated is summed, rows in chunks of 32. Of equal operands of a minimum or maximum the first is chosen.</summary>
internal sealed class BinaryGradient : GradientRule
{
    private static readonly FrozenDictionary<BinaryOperator, (Func<float, float, float, float> Left, Func<float, float, float, float> Right)> _slopes
        = new Dictionary<BinaryOperator, (Func<float, float, float, float>, Func<float, float, float, float>)>
        {
            [BinaryOperator.Add] = (static (_, _, dy) => dy, static (_, _, dy) => dy),
            [BinaryOperator.Subtract] = (static (_, _, dy) => dy, static (_, _, dy) => -dy),
            [BinaryOperator.Multiply] = (static (_, b, dy) => dy * b, static (a, _, dy) => dy * a),
            [BinaryOperator.Divide] = (static (_, b, dy) => dy / b, static (a, b, dy) => -(dy * a / (b * b))),
            [BinaryOperator.Minimum] = (static (a, b, dy) => b < a ? 0 : dy, static (a, b, dy) => b < a ? dy : 0),
            [BinaryOperator.Maximum] = (static (a, b, dy) => b > a ? 0 : dy, static (a, b, dy) => b > a ? dy : 0),
            [BinaryOperator.PRelu] = (static (a, b, dy) => a < 0 ? b * dy : dy, static (a, _, dy) => a < 0 ? a * dy : 0),
        }.ToFrozenDictionary();

    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node)
    {
        (Shape left, Shape right) = (graph[node.Inputs[0]].Type.Shape, graph[node.Inputs[1]].Type.Shape);
        return left.Equals(right) || ChannelBinary.Covers((Binary)node, left, right) ? ValueOrder.AsInput : ValueOrder.Planar;
    }

    /// <inheritdoc/>
    public override bool IsActivation(int input) => true;

    /// <inheritdoc/>
    public override bool Covers(Node node) => _slopes.ContainsKey(((Binary)node).Operator);

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        if (call.Inputs[0].Type == ElementType.Float32 && ChannelBinary.Covers((Binary)call.Node, call.Inputs[0].Shape, call.Inputs[1].Shape))
        {
            ChannelBinary.Forward(call);
        }
        else
        {
            base.Evaluate(call);
        }
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (Binary)call.Node;
        if (ChannelBinary.Covers(node, call.Inputs[0].Shape, call.Inputs[1].Shape))
        {
            return ChannelBinary.Backward(call);
        }

        Tensor dy = Clamps.Before(call, node.Activation, call.Outputs[0]);
        Tensor?[] result = call.NewResult();
        result[0] = call.Wanted[0] ? Operand(call, dy, 0, _slopes[node.Operator].Left) : null;
        result[1] = call.Wanted[1] ? Operand(call, dy, 1, _slopes[node.Operator].Right) : null;
        return result;
    }

    private static Tensor Operand(GradientCall call, Tensor dy, int operand, Func<float, float, float, float> slope)
    {
        if (((Binary)call.Node).Operator == BinaryOperator.Add)
        {
            return BatchSums.To(call.Inputs[operand].Shape, dy);
        }

        Tensor full = call.Memory.Rent(ElementType.Float32, dy.Shape);
        var left = BatchSums.Repetition.Of(call.Inputs[0].Shape, dy.Shape);
        var right = BatchSums.Repetition.Of(call.Inputs[1].Shape, dy.Shape);
        Shares.Run(call.Pool, dy.Shape.Count, 4096, (call, dy, full, slope, left, right), static (w, begin, end) =>
        {
            ReadOnlySpan<float> a = w.call.Inputs[0].Values<float>();
            ReadOnlySpan<float> b = w.call.Inputs[1].Values<float>();
            ReadOnlySpan<float> gradient = w.dy.Values<float>();
            Span<float> result = w.full.Writable<float>();
            for (int i = begin; i < end; i++)
            {
                result[i] = w.slope(a[w.left.At(i)], b[w.right.At(i)], gradient[i]);
            }
        });
        Tensor result = BatchSums.To(call.Inputs[operand].Shape, full);
        if (!ReferenceEquals(result, full))
        {
            call.Memory.Return(full);
        }

        return result;
    }
}
