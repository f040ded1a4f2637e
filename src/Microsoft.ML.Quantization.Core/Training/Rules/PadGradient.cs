using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The part of the gradient inside a constant padding, in either order of the elements.</summary>
internal sealed class PadGradient : GradientRule
{
    /// <inheritdoc/>
    public override bool Covers(Node node) => node is Pad { Mode: PadMode.Constant } pad && pad.Before.Concat(pad.After).All(p => p >= 0);

    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        if (!call.IsChannelsLast)
        {
            FastOperators.Run(call);
            return;
        }

        var pad = (Pad)call.Node;
        Tensor y = call.Outputs[0];
        y.Writable<float>().Fill(pad.Value);
        Inset inset = Inset.Of(pad, call.Inputs[0].Shape, y.Shape, true);
        Shares.Run(call.Pool, inset.Lines, 64, (inset, x: call.Inputs[0], y), static (w, begin, end) =>
        {
            for (int line = begin; line < end; line++)
            {
                w.x.Values<float>().Slice(line * w.inset.Length, w.inset.Length).CopyTo(w.y.Writable<float>()[w.inset.Place(line)..]);
            }
        });
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Inset inset = Inset.Of((Pad)call.Node, call.Inputs[0].Shape, call.Outputs[0].Shape, call.IsChannelsLast);
        Tensor dx = call.UnsetFor(0);
        Shares.Run(call.Pool, inset.Lines, 64, (inset, call.Gradient, dx), static (w, begin, end) =>
        {
            for (int line = begin; line < end; line++)
            {
                w.Gradient.Values<float>().Slice(w.inset.Place(line), w.inset.Length).CopyTo(w.dx.Writable<float>()[(line * w.inset.Length)..]);
            }
        });
        return [dx];
    }

    /// <summary>Where the lines of the inner array lie in the padded one.</summary>
    private sealed record Inset(int[] Inner, int[] Outer, int[] Before)
    {
        public int Length => Inner[^1];

        public int Lines => Inner[..^1].Aggregate(1, static (a, b) => a * b);

        public static Inset Of(Pad pad, Shape x, Shape y, bool isChannelsLast)
        {
            int[] Ordered(IReadOnlyList<int> numbers) => isChannelsLast ? [numbers[0], .. numbers.Skip(2), numbers[1]] : [.. numbers];
            return new Inset(Ordered(x.Dimensions), Ordered(y.Dimensions), Ordered(pad.Before));
        }

        public int Place(int line)
        {
            int place = Before[^1];
            int step = Outer[^1];
            for (int axis = Inner.Length - 2; axis >= 0; axis--)
            {
                place += ((line % Inner[axis]) + Before[axis]) * step;
                line /= Inner[axis];
                step *= Outer[axis];
            }

            return place;
        }
    }
}
