using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Random cases of the float node kinds.</summary>
internal static class FloatNodeCases
{
    public static NodeCase Convolution(NodeCase c)
    {
        int groups = c.Dice.Pick(1, 1, 2, 3);
        bool depthwise = c.Dice.Chance(3);
        int inputs = c.Dice.Next(1, 4) * groups;
        groups = depthwise ? inputs : groups;
        int outputs = groups * (depthwise ? c.Dice.Pick(1, 1, 2) : c.Dice.Next(1, 9));
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        ValueId x = c.Floats([c.Dice.Pick(1, 3), inputs, .. size]);
        ValueId w = c.Dice.Chance(4) ? c.Floats([outputs, inputs / groups, .. window.Kernel]) : c.FloatConstant([outputs, inputs / groups, .. window.Kernel]);
        ImmutableArray<ValueId> all = c.Dice.Chance(3) ? [x, w] : [x, w, c.FloatConstant(outputs)];
        return c.Build(new Convolution { Window = window, Groups = groups, Activation = c.Activation(), Inputs = all });
    }

    public static NodeCase ConvolutionTranspose(NodeCase c)
    {
        int groups = c.Dice.Pick(1, 2);
        int inputs = c.Dice.Next(1, 3) * groups;
        int outputs = c.Dice.Next(1, 4);
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        window = window with { PadsBegin = [.. window.PadsBegin.Select(_ => 0)], PadsEnd = [.. window.Kernel.Select(k => k - 1)] };
        ValueId x = c.Floats([c.Dice.Pick(1, 3), inputs, .. size]);
        ValueId w = c.FloatConstant([inputs, outputs, .. window.Kernel]);
        ImmutableArray<ValueId> all = c.Dice.Chance(3) ? [x, w] : [x, w, c.FloatConstant(outputs * groups)];
        return c.Build(new ConvolutionTranspose { Window = window, Groups = groups, OutputPadding = c.Dice.Many(window.Rank, 0, 1), Inputs = all });
    }

    public static NodeCase Dense(NodeCase c)
    {
        int depth = c.Dice.Next(1, 40);
        int outputs = c.Dice.Next(1, 40);
        ValueId x = c.Floats(c.Dice.Pick<ImmutableArray<int>>([depth], [1, depth], [3, depth], [2, 3, depth]));
        ValueId w = c.FloatConstant(outputs, depth);
        return c.Build(new Dense { Activation = c.Activation(), Inputs = c.Dice.Chance(3) ? [x, w] : [x, w, c.FloatConstant(outputs)] });
    }

    public static NodeCase MatMul(NodeCase c)
    {
        int m = c.Dice.Next(1, 9);
        int k = c.Dice.Next(1, 20);
        int n = c.Dice.Next(1, 20);
        (ImmutableArray<int> a, ImmutableArray<int> b) = c.Dice.Pick<(ImmutableArray<int>, ImmutableArray<int>)>(
            ([m, k], [k, n]), ([3, m, k], [k, n]), ([3, m, k], [3, k, n]), ([2, 1, m, k], [3, k, n]), ([k], [k, n]), ([m, k], [k]), ([m, k], [2, k, n]), ([k], [k]), ([2, m, k], [1, k, n]));
        ValueId right = c.Dice.Chance(2) ? c.FloatConstant(b) : c.Floats(b);
        return c.Build(new MatMul { Inputs = [c.Floats(a), right] });
    }

    public static NodeCase Unary(NodeCase c) => c.Build(new Unary
    {
        Operator = c.Dice.Pick(Enum.GetValues<UnaryOperator>()),
        Alpha = c.Dice.Float(-0.5f, 1),
        Beta = c.Dice.Float(1, 2),
        Inputs = [c.OddFloats(c.Dice.Next(1, 3), c.Dice.Next(1, 40))],
    });

    public static NodeCase Binary(NodeCase c)
    {
        (ImmutableArray<int> a, ImmutableArray<int> b) = Broadcast(c.Dice);
        if (c.Dice.Chance(4))
        {
            bool wide = c.Dice.Chance(2);
            Tensor Integers(ImmutableArray<int> shape) => wide
                ? RandomTensors.Indices(new Shape(shape), c.Dice.Seed(), -5, 5)
                : RandomTensors.Integers(new Shape(shape), c.Dice.Seed(), c.Dice.Pick(-5, int.MinValue), c.Dice.Pick(5, int.MaxValue));
            return c.Build(new Binary { Operator = (BinaryOperator)c.Dice.Next(1, 4), Inputs = [c.Input(Integers(a)), c.Input(Integers(b))] });
        }

        return c.Build(new Binary { Operator = c.Dice.Pick(Enum.GetValues<BinaryOperator>()), Activation = c.Activation(), Inputs = [c.OddFloats(a), c.OddFloats(b)] });
    }

    public static NodeCase Where(NodeCase c)
    {
        (ImmutableArray<int> a, ImmutableArray<int> b) = Broadcast(c.Dice);
        (ImmutableArray<int> condition, _) = Broadcast(c.Dice);
        bool wide = c.Dice.Chance(3);
        ValueId Values(ImmutableArray<int> shape) => wide ? c.Input(RandomTensors.Indices(new Shape(shape), c.Dice.Seed(), -9, 9)) : c.OddFloats(shape);
        ImmutableArray<int> common = c.Dice.Chance(2) ? a : [1];
        ValueId mask = c.Input(RandomTensors.Booleans(new Shape(common.Length == 1 ? common : condition.Length == a.Length ? a : common), c.Dice.Seed()));
        return c.Build(new Where { Inputs = [mask, Values(a), Values(b)] });
    }

    public static NodeCase Cast(NodeCase c)
    {
        Shape shape = Shape.Of(3, c.Dice.Next(1, 30));
        ValueId x = c.Dice.Next(0, 3) switch
        {
            0 => c.Input(RandomTensors.Integers(shape, c.Dice.Seed(), int.MinValue, int.MaxValue)),
            1 => c.Input(RandomTensors.Indices(shape, c.Dice.Seed(), -300, 300)),
            2 => c.Input(RandomTensors.Booleans(shape, c.Dice.Seed())),
            _ => c.Input(RandomTensors.OddFloats(shape, c.Dice.Seed())),
        };
        return c.Build(new Cast { To = c.Dice.Pick(Enum.GetValues<ElementType>()), Inputs = [x] });
    }

    public static NodeCase GlobalAveragePool(NodeCase c)
        => c.Build(new GlobalAveragePool { Inputs = [c.Floats([c.Dice.Pick(1, 3), c.Dice.Next(1, 9), .. c.Dice.Many(c.Dice.Next(1, 3), 1, 6)])] });

    public static NodeCase AveragePool(NodeCase c)
    {
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        ValueId x = c.Floats([c.Dice.Pick(1, 3), c.Dice.Next(1, 9), .. size]);
        return c.Build(new AveragePool { Window = window, CeilMode = c.Dice.Chance(2), CountPadding = c.Dice.Chance(2), Inputs = [x] });
    }

    public static NodeCase BatchNormalization(NodeCase c)
    {
        int channels = c.Dice.Next(1, 9);
        ValueId x = c.Floats([c.Dice.Pick(1, 3), channels, .. c.Dice.Many(c.Dice.Next(0, 3), 1, 6)]);
        ValueId variance = c.Constant(RandomTensors.Floats(Shape.Of(channels), c.Dice.Seed(), 0.1f, 2f));
        return c.Build(new BatchNormalization { Inputs = [x, c.FloatConstant(channels), c.FloatConstant(channels), c.FloatConstant(channels), variance] });
    }

    public static NodeCase FoldedWeights(NodeCase c)
    {
        int channels = c.Dice.Next(1, 9);
        ValueId w = c.FloatConstant([channels, .. c.Dice.Many(c.Dice.Next(1, 3), 1, 5)]);
        ValueId variance = c.Constant(RandomTensors.Floats(Shape.Of(channels), c.Dice.Seed(), 0.1f, 2f));
        return c.Build(new FoldedWeights { Inputs = [w, c.FloatConstant(channels), variance] });
    }

    public static NodeCase FoldedNormalization(NodeCase c)
    {
        int channels = c.Dice.Next(1, 9);
        ImmutableArray<int> shape = [c.Dice.Pick(1, 3), channels, .. c.Dice.Many(c.Dice.Next(0, 3), 1, 6)];
        ValueId variance = c.Constant(RandomTensors.Floats(Shape.Of(channels), c.Dice.Seed(), 0.1f, 2f));
        return c.Build(new FoldedNormalization { FreezeAt = 1, Inputs = [c.Floats(shape), c.Floats(shape), c.FloatConstant(channels), c.FloatConstant(channels), c.FloatConstant(channels), variance] });
    }

    public static NodeCase LayerNormalization(NodeCase c)
    {
        ImmutableArray<int> shape = [.. c.Dice.Many(c.Dice.Next(1, 3), 1, 20)];
        int axis = c.Dice.Next(0, shape.Length - 1);
        int size = shape[axis..].Aggregate(1, (a, b) => a * b);
        ValueId x = c.Floats(shape);
        ValueId scale = c.FloatConstant(size);
        return c.Build(new LayerNormalization { Axis = c.Dice.Pick(axis, axis - shape.Length), Inputs = c.Dice.Chance(2) ? [x, scale] : [x, scale, c.FloatConstant(size)] });
    }

    public static NodeCase InstanceNormalization(NodeCase c)
    {
        int channels = c.Dice.Next(1, 5);
        ValueId x = c.Floats([c.Dice.Pick(1, 3), channels, .. c.Dice.Many(c.Dice.Next(1, 3), 1, 7)]);
        return c.Build(new InstanceNormalization { Inputs = [x, c.FloatConstant(channels), c.FloatConstant(channels)] });
    }

    public static NodeCase LocalResponseNormalization(NodeCase c) => c.Build(new LocalResponseNormalization
    {
        Size = c.Dice.Next(1, 7),
        Alpha = c.Dice.Float(0.01f, 2),
        Beta = c.Dice.Pick(0.75f, 0.5f, 1.3f),
        Bias = c.Dice.Float(0.5f, 2),
        Inputs = [c.Floats([c.Dice.Pick(1, 3), c.Dice.Next(1, 9), .. c.Dice.Many(c.Dice.Next(0, 2), 1, 6)])],
    });

    public static NodeCase Softmax(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 21);
        ValueId x = c.Dice.Chance(3) ? c.OddFloats(shape) : c.Floats(shape);
        return c.Build(new Softmax { Axis = c.Dice.Next(-shape.Length, shape.Length - 1), Logarithm = c.Dice.Chance(2), Inputs = [x] });
    }

    public static NodeCase Reduce(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 9);
        var axes = Enumerable.Range(0, shape.Length).Where(_ => c.Dice.Chance(2)).ToImmutableArray();
        ReduceOperator function = c.Dice.Pick(Enum.GetValues<ReduceOperator>());
        ValueId x = c.Dice.Chance(3) ? c.OddFloats(shape) : c.Floats(shape);
        return c.Build(new Reduce { Operator = function, Axes = axes, KeepDimensions = c.Dice.Chance(2), Inputs = [x] });
    }

    /// <summary>Two shapes that broadcast.</summary>
    private static (ImmutableArray<int> Left, ImmutableArray<int> Right) Broadcast(Dice dice)
    {
        int a = dice.Next(1, 5);
        int b = dice.Next(1, 5);
        int d = dice.Next(1, 19);
        return dice.Pick<(ImmutableArray<int>, ImmutableArray<int>)>(
            ([a, b, d], [a, b, d]), ([a, b, d], [d]), ([a, b, d], [b, 1]), ([a, 1, d], [1, b, 1]), ([1], [a, b, d]), ([a, b, d], []), ([3, a, b, d], [3, a, 1, 1]), ([d], [d]), ([a, b, 1], [a, b, d]));
    }
}
