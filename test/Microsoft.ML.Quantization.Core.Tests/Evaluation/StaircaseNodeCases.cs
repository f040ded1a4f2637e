using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Random cases of the node kinds with thresholds and of sums of accumulators.</summary>
internal static class StaircaseNodeCases
{
    public static NodeCase Staircase(NodeCase c)
    {
        int count = c.Dice.Pick(1, 2, 3, 7, c.Dice.Next(1, 255));
        float[] thresholds = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Pick(0f, -0f, 0.5f, c.Dice.Float(-2, 2))).Order()];
        ValueId x = c.OddFloats(c.Dice.Next(1, 3), c.Dice.Next(1, 700));
        return c.Build(new Staircase { Inputs = [x, c.Constant(Tensor.Create(Shape.Of(count), thresholds)), c.FloatConstant(count + 1)] });
    }

    public static NodeCase Thresholds(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 12);
        int axis = c.Dice.Next(0, shape.Length - 1);
        AffineQuantization result = Result(c);
        int rows = c.Dice.Chance(2) ? 1 : shape[axis];
        ImmutableArray<int> directions = c.Dice.Chance(2) ? [c.Dice.Pick(1, -1)] : [.. Enumerable.Range(0, shape[axis]).Select(_ => c.Dice.Pick(1, -1))];
        var node = new Thresholds { Axis = axis, Directions = directions, Result = result };
        int count = rows * node.Count;
        if (c.Dice.Chance(3))
        {
            return c.Build(node with { Reals = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Pick(0f, float.PositiveInfinity, c.Dice.Float(-2, 2)))], Inputs = [c.OddFloats(shape)] });
        }

        ValueId x = c.Dice.Chance(2) ? c.Codes(c.Operand(residual: true), shape) : c.Input(RandomTensors.Integers(new Shape(shape), c.Dice.Seed(), -50, 50));
        return c.Build(node with { Integers = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Pick(int.MinValue, int.MaxValue, c.Dice.Next(-50, 50), c.Dice.Next(-50, 50), c.Dice.Next(-50, 50)))], Inputs = [x] });
    }

    public static NodeCase CombineAccumulators(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 12);
        int axis = c.Dice.Next(0, shape.Length - 1);
        int channels = c.Dice.Chance(3) ? 1 : shape[axis];
        int groups = c.Dice.Next(1, 5);
        return c.Build(new CombineAccumulators
        {
            Axis = axis,
            Multipliers = [.. Enumerable.Range(0, groups * channels).Select(_ => c.Dice.Float(-0.1f, 0.3f))],
            Offsets = [.. Enumerable.Range(0, channels).Select(_ => c.Dice.Float(-3, 3))],
            Activation = c.Activation(),
            Inputs = [.. Enumerable.Range(0, groups).Select(_ => c.Input(RandomTensors.Integers(new Shape(shape), c.Dice.Seed(), -100000, 100000)))],
        });
    }

    private static AffineQuantization Result(NodeCase c)
    {
        if (c.Dice.Chance(2))
        {
            return HandmadeGraphs.MidRise(c.Dice.Next(1, 3), 0.1f);
        }

        var code = new CodeType(new BitWidth(c.Dice.Next(1, 4)), Signed: false);
        var range = new IntegerRange(0, c.Dice.Next(1, code.Range.Max));
        return AffineQuantization.PerTensor(code, range, new AffineParameters(0.1f, c.Dice.Next(0, range.Max)));
    }
}
