using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// Functions of an element of [N, C, ..] and a number of its channel: shifts and rectifiers with a slope, as binary networks have several of in a layer. In either order of the elements; sums over a channel are those of
/// <see cref="ChannelSums"/>.
/// </summary>
internal static class ChannelBinary
{
    /// <summary>Whether a node is one: the second operand has a number a channel and nothing follows.</summary>
    public static bool Covers(Binary node, Shape x, Shape numbers)
    {
        bool isKnown = node.Operator is BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.PRelu && node.Activation == Activation.None;
        return isKnown && x.Rank >= 2 && x[1] == numbers.Count && numbers.Rank <= x.Rank && numbers.Rank >= x.Rank - 1 && numbers[numbers.Rank - x.Rank + 1] == x[1];
    }

    /// <summary>What the operator gives, bit for bit.</summary>
    public static void Forward(OperatorCall call)
    {
        (Tensor x, float[] numbers) = (call.Inputs[0], call.Inputs[1].Values<float>().ToArray());
        if (((Binary)call.Node).Operator == BinaryOperator.PRelu)
        {
            ChannelLines.Bend(call.Pool, x, x, numbers, call.Outputs[0], call.IsChannelsLast);
            return;
        }

        // fma(x, 1, b) rounds x + b once, as the sum does.
        float[] ones = [.. Enumerable.Repeat(1f, numbers.Length)];
        float[] terms = ((Binary)call.Node).Operator == BinaryOperator.Add ? numbers : Negated(numbers);
        ChannelLines.Map(call.Pool, x, (ones, terms), call.Outputs[0], call.IsChannelsLast);
    }

    /// <summary>∂loss/∂x and the sums of each channel.</summary>
    public static Tensor?[] Backward(GradientCall call)
    {
        (Tensor x, Tensor dy) = (call.Inputs[0], call.Gradient);
        BinaryOperator how = ((Binary)call.Node).Operator;
        Tensor?[] result = call.NewResult();
        if (call.Wanted[1])
        {
            float[] sums = how == BinaryOperator.PRelu ? ChannelSums.OfProductsBelowZero(call.Pool, x, dy, call.IsChannelsLast) : ChannelSums.Of(call.Pool, dy, call.IsChannelsLast);
            result[1] = Tensor.Create<float>(call.Inputs[1].Shape, how == BinaryOperator.Subtract ? Negated(sums) : sums);
        }

        if (call.Wanted[0] && how != BinaryOperator.PRelu)
        {
            result[0] = dy;
        }
        else if (call.Wanted[0])
        {
            result[0] = call.UnsetFor(0);
            ChannelLines.Bend(call.Pool, x, dy, call.Inputs[1].Values<float>().ToArray(), result[0]!, call.IsChannelsLast);
        }

        return result;
    }

    private static float[] Negated(float[] numbers) => [.. numbers.Select(n => -n)];
}
