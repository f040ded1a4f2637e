using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Random cases of the integer node kinds, of the steps between reals and codes, and of the max pool.</summary>
internal static class IntegerNodeCases
{
    public static NodeCase FakeQuantize(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 9);
        int axis = c.Dice.Next(0, shape.Length - 1);
        AffineQuantization q = c.Dice.Next(0, 2) switch
        {
            0 => c.Operand(residual: true),
            1 => c.PerAxis(axis, shape[axis]),
            _ => PerGroup(c, axis, shape),
        };
        ValueId x = c.OddFloats(shape);
        ValueId scales = c.Constant(Tensor.Create(Shape.Of(q.Scales.Length), q.Scales.ToArray()));
        ValueId zeros = c.Constant(Tensor.Create(Shape.Of(q.Scales.Length), q.ZeroPoints.ToArray()));
        return c.Build(new FakeQuantize { Code = q.Code, Range = q.Range, Granularity = q.Granularity, Axis = q.Axis, GroupSize = q.GroupSize, Inputs = [x, scales, zeros] });
    }

    public static NodeCase Quantize(NodeCase c) => c.Build(new Quantize { Result = c.Operand(residual: true), Inputs = [c.OddFloats(c.Dice.Next(1, 3), c.Dice.Next(1, 40))] });

    public static NodeCase Dequantize(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 9);
        int axis = c.Dice.Next(0, shape.Length - 1);
        AffineQuantization quantizer = c.Dice.Next(0, 2) switch
        {
            0 => c.Operand(residual: true),
            1 => c.PerAxis(axis, shape[axis]),
            _ => PerGroup(c, axis, shape),
        };
        return c.Build(new Dequantize { Inputs = [c.Codes(quantizer, shape)] });
    }

    public static NodeCase Convolution(NodeCase c)
    {
        int groups = c.Dice.Pick(1, 1, 2, 3);
        bool depthwise = c.Dice.Chance(3);
        int inputs = c.Dice.Next(1, 4) * groups;
        groups = depthwise ? inputs : groups;
        int outputs = groups * (depthwise ? c.Dice.Pick(1, 1, 2) : c.Dice.Next(1, 9));
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        ValueId x = c.Codes(c.Operand(), [c.Dice.Pick(1, 3), inputs, .. size]);
        ValueId w = c.CodeConstant(c.Dice.Chance(2) ? c.Operand() : c.PerAxis(0, outputs), [outputs, inputs / groups, .. window.Kernel]);
        return c.Build(new IntegerConvolution { Window = window, Groups = groups, Inputs = WithBias(c, x, w, outputs) });
    }

    public static NodeCase Dense(NodeCase c)
    {
        int depth = c.Dice.Next(1, 70);
        int outputs = c.Dice.Next(1, 40);
        ValueId x = c.Codes(c.Operand(), c.Dice.Pick<ImmutableArray<int>>([depth], [1, depth], [3, depth], [2, 3, depth]));
        ValueId w = c.CodeConstant(c.Dice.Chance(2) ? c.Operand() : c.PerAxis(0, outputs), outputs, depth);
        return c.Build(new IntegerDense { Inputs = WithBias(c, x, w, outputs) });
    }

    public static NodeCase MatMul(NodeCase c)
    {
        int m = c.Dice.Next(1, 9);
        int k = c.Dice.Pick(c.Dice.Next(1, 20), c.Dice.Next(30, 70));
        int n = c.Dice.Pick(c.Dice.Next(1, 20), c.Dice.Next(30, 70));
        (ImmutableArray<int> a, ImmutableArray<int> b) = c.Dice.Pick<(ImmutableArray<int>, ImmutableArray<int>)>(
            ([m, k], [k, n]), ([3, m, k], [k, n]), ([3, m, k], [3, k, n]), ([2, 1, m, k], [3, k, n]), ([k], [k, n]), ([m, k], [k]), ([m, k], [2, k, n]), ([k], [k]), ([2, m, k], [1, k, n]));
        ValueId left = c.Codes(c.Quantizer(), a);
        return c.Build(new IntegerMatMul { Inputs = [left, c.Dice.Chance(3) ? c.CodeConstant(c.Quantizer(), b) : c.Codes(c.Quantizer(), b)] });
    }

    public static NodeCase Requantize(NodeCase c)
    {
        (ValueId x, int axis, int count) = AccumulatorOrCodes(c);
        AffineQuantization result = c.Operand(residual: true);
        while (result is { IsMidRise: true, Code.Bits.Bits: 1 })
        {
            result = c.Operand();
        }

        return c.Build(new Requantize
        {
            Multipliers = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Float(-0.01f, 0.05f))],
            Offsets = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Float(-3, 3))],
            Axis = axis,
            Minimum = c.Dice.Chance(2) ? result.Range.Min : result.Single.ZeroPoint,
            Maximum = result.Range.Max,
            Result = result,
            Inputs = [x],
        });
    }

    public static NodeCase DequantizeAccumulator(NodeCase c)
    {
        (ValueId x, int axis, int count) = AccumulatorOrCodes(c);
        return c.Build(new DequantizeAccumulator
        {
            Multipliers = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Float(-0.01f, 0.05f))],
            Offsets = [.. Enumerable.Range(0, count).Select(_ => c.Dice.Float(-3, 3))],
            Axis = axis,
            Activation = c.Activation(),
            Inputs = [x],
        });
    }

    public static NodeCase Add(NodeCase c)
    {
        AffineQuantization result = c.Quantizer(residual: true);
        (ValueId left, ValueId right) = Pair(c, residual: true);
        return c.Build(new IntegerAdd
        {
            LeftMultiplier = c.Dice.Pick(0.5f, c.Dice.Float(0, 2)),
            RightMultiplier = c.Dice.Pick(0.5f, c.Dice.Float(0, 2)),
            Minimum = result.Range.Min,
            Maximum = c.Dice.Chance(3) ? result.Range.Max - 1 : result.Range.Max,
            Result = result,
            Inputs = [left, right],
        });
    }

    public static NodeCase Multiply(NodeCase c)
    {
        AffineQuantization result = c.Quantizer();
        (ValueId left, ValueId right) = Pair(c, residual: false);
        return c.Build(new IntegerMultiply { Multiplier = c.Dice.Float(0, 0.1f), Minimum = result.Range.Min, Maximum = result.Range.Max, Result = result, Inputs = [left, right] });
    }

    public static NodeCase AveragePool(NodeCase c)
    {
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        bool bytes = c.Dice.Chance(2);
        AffineQuantization input = bytes ? Unsigned(c) : c.Operand(residual: true);
        return c.Build(new IntegerAveragePool
        {
            Window = window,
            CeilMode = c.Dice.Chance(2),
            CountPadding = c.Dice.Chance(2),
            IsGlobal = c.Dice.Chance(3),
            Multiplier = c.Dice.Float(0.1f, 2),
            Result = bytes ? Unsigned(c) : c.Quantizer(residual: true),
            Inputs = [c.Codes(input, [c.Dice.Pick(1, 3), c.Dice.Next(1, 9), .. size])],
        });
    }

    public static NodeCase MaxPool(NodeCase c)
    {
        (Window window, ImmutableArray<int> size) = c.Window(c.Dice.Next(1, 3));
        ImmutableArray<int> shape = [c.Dice.Pick(1, 3), c.Dice.Next(1, 9), .. size];
        ValueId x = c.Dice.Chance(2) ? c.OddFloats(shape) : c.Codes(c.Operand(residual: true), shape);
        return c.Build(new MaxPool { Window = window, CeilMode = c.Dice.Chance(2), Inputs = [x] });
    }

    public static NodeCase LookupTable(NodeCase c)
    {
        AffineQuantization input = c.Operand();
        AffineQuantization result = c.Operand();
        ImmutableArray<byte> table = [.. Enumerable.Range(0, (int)input.Code.Range.Count).Select(_ => unchecked((byte)c.Dice.Next(result.Range.Min, result.Range.Max)))];
        return c.Build(new LookupTable { Table = table, Result = result, Inputs = [c.Codes(input, 3, c.Dice.Next(1, 50))] });
    }

    private static AffineQuantization Unsigned(NodeCase c)
    {
        AffineQuantization quantizer = c.Quantizer();
        while (quantizer.Code.Signed)
        {
            quantizer = c.Quantizer();
        }

        return quantizer;
    }

    public static NodeCase GroupedDense(NodeCase c)
    {
        (int depth, int outputs) = (c.Dice.Next(1, 150), c.Dice.Next(1, 40));
        var code = new CodeType(new BitWidth(c.Dice.Next(2, 8)), true);
        int size = c.Dice.Pick(1, 16, 32, c.Dice.Next(1, 200));
        int groups = outputs * ((depth + size - 1) / size);
        AffineQuantization quantizer = AffineQuantization.PerTensor(code, code.Range, new AffineParameters(1, 0)) with
        {
            Granularity = Granularity.PerGroup,
            Axis = c.Dice.Pick(1, -1),
            GroupSize = size,
            Scales = [.. Enumerable.Range(0, groups).Select(_ => c.Dice.Float(0.001f, 0.2f))],
            ZeroPoints = [.. Enumerable.Repeat(0, groups)],
        };
        ImmutableArray<int> shape = [.. c.Dice.Many(c.Dice.Next(0, 2), 1, 6), depth];
        ValueId x = c.Dice.Chance(4) ? c.OddFloats(shape) : c.Floats(shape);
        ValueId w = c.CodeConstant(quantizer, outputs, depth);
        return c.Build(new GroupedDense { Activation = c.Activation(), Inputs = c.Dice.Chance(2) ? [x, w, c.FloatConstant(outputs)] : [x, w], FloatInputs = c.Dice.Chance(3) });
    }

    private static AffineQuantization PerGroup(NodeCase c, int axis, ImmutableArray<int> shape)
    {
        int size = c.Dice.Next(1, 4);
        AffineQuantization quantizer = c.PerAxis(axis, shape.Aggregate(1, (a, b) => a * b) / shape[axis] * ((shape[axis] + size - 1) / size));
        return quantizer with { Granularity = Granularity.PerGroup, GroupSize = size };
    }

    private static ImmutableArray<ValueId> WithBias(NodeCase c, ValueId x, ValueId w, int outputs)
        => c.Dice.Chance(3) ? [x, w] : [x, w, c.Constant(RandomTensors.Integers(Shape.Of(outputs), c.Dice.Seed(), -1000, 1000))];

    private static (ValueId X, int Axis, int Count) AccumulatorOrCodes(NodeCase c)
    {
        ImmutableArray<int> shape = c.Dice.Many(c.Dice.Next(1, 4), 1, 12);
        int axis = c.Dice.Next(0, shape.Length - 1);
        int limit = c.Dice.Pick(1000, int.MaxValue);
        ValueId x = c.Dice.Chance(3) ? c.Codes(c.Operand(residual: true), shape) : c.Input(RandomTensors.Integers(new Shape(shape), c.Dice.Seed(), -limit, limit));
        return (x, axis, c.Dice.Chance(3) ? 1 : shape[axis]);
    }

    private static (ValueId Left, ValueId Right) Pair(NodeCase c, bool residual)
    {
        int a = c.Dice.Next(1, 5);
        int d = c.Dice.Next(1, 19);
        (ImmutableArray<int> left, ImmutableArray<int> right) = c.Dice.Pick<(ImmutableArray<int>, ImmutableArray<int>)>(
            ([3, a, d], [3, a, d]), ([3, a, d], [a, 1]), ([3, a, d], [d]), ([1], [a, d]), ([3, a, d], [3, a, d]));
        bool bytes = c.Dice.Chance(3);
        return (c.Codes(bytes ? Unsigned(c) : c.Operand(residual), left), c.Codes(bytes ? Unsigned(c) : c.Operand(residual), right));
    }
}
