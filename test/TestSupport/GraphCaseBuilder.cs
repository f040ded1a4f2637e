using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Builds test networks front to back: each call reads <see cref="Current"/>, adds a node with seeded weights and moves on to its output.</summary>
public sealed class GraphCaseBuilder
{
    private readonly GraphBuilder _builder = new();
    private ulong _seed = 100;

    /// <summary>Starts with one float input named <c>input</c>.</summary>
    public GraphCaseBuilder(Shape input) => Current = _builder.AddInput("input", ValueType.Float(input));

    /// <summary>The value that the next node reads.</summary>
    public ValueId Current { get; set; }

    /// <summary>The builder underneath.</summary>
    public GraphBuilder Builder => _builder;

    private Shape Shape => _builder[Current].Type.Shape;

    /// <summary>A convolution with a cube as kernel; weights uniform with the variance 2 / fan-in.</summary>
    public ValueId Convolution(int outputs, int kernel, int stride, int pad, Activation activation, int groups = 1, bool bias = true)
    {
        int rank = Shape.Rank - 2;
        Window window = GraphCases.Window(rank, kernel, stride, pad);
        Shape weights = new([outputs, Shape[1] / groups, .. window.Kernel]);
        float bound = MathF.Sqrt(6f / weights.CountOf(1, weights.Rank));
        ValueId w = Constant("w", weights, bound);
        return Add(new Convolution
        {
            Window = window,
            Groups = groups,
            Activation = activation,
            Inputs = bias ? [Current, w, Constant("b", Shape.Of(outputs), 0.5f)] : [Current, w],
        });
    }

    /// <summary>A dense layer.</summary>
    public ValueId Dense(int outputs, Activation activation)
    {
        ValueId w = Constant("w", Shape.Of(outputs, Shape[-1]), MathF.Sqrt(6f / Shape[-1]));
        return Add(new Dense { Activation = activation, Inputs = [Current, w, Constant("b", Shape.Of(outputs), 0.5f)] });
    }

    /// <summary>A batch normalization with positive variances.</summary>
    public ValueId BatchNormalization()
    {
        Shape channels = Shape.Of(Shape[1]);
        ValueId scale = _builder.AddConstant("scale", RandomTensors.Floats(channels, _seed++, 0.5f, 1.5f));
        ValueId shift = Constant("shift", channels, 0.5f);
        ValueId mean = Constant("mean", channels, 0.3f);
        ValueId variance = _builder.AddConstant("variance", RandomTensors.Floats(channels, _seed++, 0.2f, 2f));
        return Add(new BatchNormalization { Inputs = [Current, scale, shift, mean, variance] });
    }

    /// <summary>A function of one element.</summary>
    public ValueId Unary(UnaryOperator function, float alpha = 0, float beta = 0)
        => Add(new Unary { Operator = function, Alpha = alpha, Beta = beta, Inputs = [Current] });

    /// <summary>A function of two values.</summary>
    public ValueId Binary(BinaryOperator function, ValueId left, ValueId right, Activation? activation = null)
        => Add(new Binary { Operator = function, Activation = activation ?? Activation.None, Inputs = [left, right] });

    /// <summary>left + right.</summary>
    public ValueId Add(ValueId left, ValueId right, Activation activation) => Binary(BinaryOperator.Add, left, right, activation);

    /// <summary>Max pool with a cube as window.</summary>
    public ValueId MaxPool(int kernel, int stride, int pad, bool ceil = false)
        => Add(new MaxPool { Window = GraphCases.Window(Shape.Rank - 2, kernel, stride, pad), CeilMode = ceil, Inputs = [Current] });

    /// <summary>Average pool with a cube as window.</summary>
    public ValueId AveragePool(int kernel, int stride, int pad, bool countPadding, bool ceil = false) => Add(new AveragePool
    {
        Window = GraphCases.Window(Shape.Rank - 2, kernel, stride, pad),
        CountPadding = countPadding,
        CeilMode = ceil,
        Inputs = [Current],
    });

    /// <summary>Global average pool.</summary>
    public ValueId GlobalPool() => Add(new GlobalAveragePool { Inputs = [Current] });

    /// <summary>[N, ..] → [N, rest].</summary>
    public ValueId Flatten() => Add(new Reshape { Target = [0, -1], Inputs = [Current] });

    /// <summary>Joins values.</summary>
    public ValueId Join(int axis, params ReadOnlySpan<ValueId> values) => Add(new Concat { Axis = axis, Inputs = [.. values] });

    /// <summary>Any node with one output.</summary>
    public ValueId Add(Node node)
    {
        Current = _builder.Add(node);
        return Current;
    }

    /// <summary>Makes <see cref="Current"/> the output named <c>output</c> and hands the graph over.</summary>
    public Graph Build()
    {
        _builder.Rename(Current, "output");
        _builder.AddOutput(Current);
        return _builder.Build();
    }

    private ValueId Constant(string name, Shape shape, float bound) => _builder.AddConstant(name, RandomTensors.Floats(shape, _seed++, bound));
}
