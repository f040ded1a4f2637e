using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>A few words to write small graphs with.</summary>
internal sealed class Net
{
    public GraphBuilder Builder { get; } = new();

    public ValueId Input(string name, params int[] shape) => Builder.AddInput(name, ValueType.Float(Shape.Of(shape)));

    public ValueId Constant(string name, int[] shape, params float[] values) => Builder.AddConstant(name, Tensor.Create(Shape.Of(shape), values));

    public ValueId Add(Node node, string name) => Builder.Add(node with { Name = name }, name);

    public ValueId Conv(string name, ValueId x, ValueId w, ValueId? b = null, int pad = 0, Activation? activation = null) => Add(
        new Convolution
        {
            Inputs = b is null ? [x, w] : [x, w, b.Value],
            Window = Window(Builder[w].Type.Shape[2], pad),
            Activation = activation ?? Activation.None,
            Groups = Builder[x].Type.Shape[1] / Builder[w].Type.Shape[1],
        },
        name);

    public ValueId Dense(string name, ValueId x, ValueId w, ValueId? b = null, Activation? activation = null)
        => Add(new Dense { Inputs = b is null ? [x, w] : [x, w, b.Value], Activation = activation ?? Activation.None }, name);

    public ValueId Binary(string name, BinaryOperator op, ValueId a, ValueId b, Activation? activation = null)
        => Add(new Binary { Operator = op, Inputs = [a, b], Activation = activation ?? Activation.None }, name);

    public ValueId Unary(string name, UnaryOperator op, ValueId x, float alpha = 0, float beta = 0)
        => Add(new Unary { Operator = op, Alpha = alpha, Beta = beta, Inputs = [x] }, name);

    public ValueId Relu(string name, ValueId x) => Unary(name, UnaryOperator.Clip, x, 0, float.PositiveInfinity);

    /// <summary>FakeQuantize, one scale for all (or one for each index of axis 0 when there are several).</summary>
    public ValueId Fake(string name, ValueId x, int bits, bool signed, float[] scales, int zero = 0)
    {
        ValueId s = Constant(name + ".s", [scales.Length], scales);
        ValueId z = Builder.AddConstant(name + ".z", Tensor.Create(Shape.Of(scales.Length), Enumerable.Repeat(zero, scales.Length).ToArray()));
        var code = new CodeType(new BitWidth(bits), signed);
        return Add(new FakeQuantize { Code = code, Range = code.Range, Granularity = scales.Length > 1 ? Granularity.PerAxis : Granularity.PerTensor, Inputs = [x, s, z] }, name);
    }

    /// <summary>FakeQuantize to mid-rise codes, one scale for all (or one for each index of axis 0 when there are several).</summary>
    public ValueId FakeMidRise(string name, ValueId x, int bits, params float[] scales)
    {
        ValueId s = Constant(name + ".s", [scales.Length], scales);
        ValueId z = Builder.AddConstant(name + ".z", Tensor.Create(Shape.Of(scales.Length), new int[scales.Length]));
        var code = new CodeType(new BitWidth(bits), false, CodeSpace.MidRise);
        return Add(new FakeQuantize { Code = code, Range = code.Range, Granularity = scales.Length > 1 ? Granularity.PerAxis : Granularity.PerTensor, Inputs = [x, s, z] }, name);
    }

    public ValueId Staircase(string name, ValueId x, float[] thresholds, float[] levels)
        => Add(new Staircase { Inputs = [x, Constant(name + ".t", [thresholds.Length], thresholds), Constant(name + ".l", [levels.Length], levels)] }, name);

    /// <summary>y = γ·x + β of each channel, exactly: mean 0, variance and epsilon add up to 1.</summary>
    public ValueId Norm(string name, ValueId x, float[] gamma, float[] beta, float[]? mean = null)
    {
        int[] shape = [gamma.Length];
        ValueId g = Constant(name + ".gamma", shape, gamma);
        ValueId b = Constant(name + ".beta", shape, beta);
        ValueId m = Constant(name + ".mean", shape, mean ?? new float[gamma.Length]);
        ValueId v = Constant(name + ".variance", shape, [.. Enumerable.Repeat(0.75f, gamma.Length)]);
        return Add(new BatchNormalization { Epsilon = 0.25f, Inputs = [x, g, b, m, v] }, name);
    }

    public ValueId Pool(string name, ValueId x, int size) => Add(
        new MaxPool { Inputs = [x], Window = new Window { Kernel = [size, size], Strides = [size, size], Dilations = [1, 1], PadsBegin = [0, 0], PadsEnd = [0, 0] } },
        name);

    public Graph Build(params ValueId[] outputs)
    {
        foreach (ValueId output in outputs)
        {
            Builder.AddOutput(output);
        }

        return Builder.Build();
    }

    public static AffineQuantization Codes(int bits, bool signed, float scale, int zero)
    {
        var code = new CodeType(new BitWidth(bits), signed);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(scale, zero));
    }

    public static Window Window(int kernel, int pad)
    {
        ImmutableArray<int> two(int v) => [v, v];
        return new Window { Kernel = two(kernel), Strides = two(1), Dilations = two(1), PadsBegin = two(pad), PadsEnd = two(pad) };
    }
}
