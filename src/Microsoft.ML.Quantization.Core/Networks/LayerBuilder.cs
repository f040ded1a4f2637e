using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Adds layers with trainable constants to a graph. Weights are uniform in ±√(6 / inputs of one output) (He et al., 2015, eq. 10, uniform form), a pure function of seed, layer and
/// index; biases and shifts 0, scales 1, means 0, variances 1. A layer's constants are called layer.weight, layer.bias, layer.scale, layer.shift, layer.mean, layer.variance.
/// </summary>
internal sealed class LayerBuilder(ulong seed)
{
    private ulong _site;

    /// <summary>The graph under construction.</summary>
    public GraphBuilder Graph { get; } = new();

    /// <summary>Channels of a value [N, C, ..].</summary>
    public int Channels(ValueId x) => Graph[x].Type.Shape[1];

    /// <summary>An input of the given shape with a free batch.</summary>
    public ValueId Input(Shape shape) => Graph.AddInput("input", Graphs.ValueType.Float(new Shape([Shape.Free, .. shape.Dimensions])));

    /// <summary>A square convolution, padded so that stride 1 keeps the size.</summary>
    public ValueId Convolution(string name, ValueId x, int channels, int kernel, int stride, bool hasBias, int dilation = 1)
    {
        Window window = Square(kernel, stride, dilation * (kernel / 2)) with { Dilations = [dilation, dilation] };
        ValueId weight = Weight(name, Shape.Of(channels, Channels(x), kernel, kernel));
        return Graph.Add(new Convolution { Name = name, Window = window, Inputs = hasBias ? [x, weight, Constant(name + ".bias", channels, 0)] : [x, weight] });
    }

    /// <summary>A dense layer with bias over [N, K].</summary>
    public ValueId Dense(string name, ValueId x, int outputs)
        => Graph.Add(new Dense { Name = name, Inputs = [x, Weight(name, Shape.Of(outputs, Graph[x].Type.Shape[-1])), Constant(name + ".bias", outputs, 0)] });

    /// <summary>A dense layer of given weights, with bias.</summary>
    public ValueId Dense(string name, ValueId x, ValueId weights, int outputs) => Graph.Add(new Dense { Name = name, Inputs = [x, weights, Constant(name + ".bias", outputs, 0)] });

    /// <summary>A vector of weights for layers of a number of inputs.</summary>
    public ValueId Shared(string name, int count, int inputs) => Weight(name, Shape.Of(count), inputs);

    /// <summary>A dense layer without bias over [N, K].</summary>
    public ValueId PlainDense(string name, ValueId x, int outputs) => Graph.Add(new Dense { Name = name, Inputs = [x, Weight(name, Shape.Of(outputs, Graph[x].Type.Shape[-1]))] });

    /// <summary>x · s with one learned number s.</summary>
    public ValueId Scale(string name, ValueId x, float start) => Graph.Add(new Binary { Name = name, Operator = BinaryOperator.Multiply, Inputs = [x, Constant(name + ".value", 1, start)] });

    /// <summary>Mean of |x| over the channels and places that each output of a square convolution sees, taps in padding counting as 0: [N, 1, ..] (Rastegari et al., 2016, section 3.2). A constant to training.</summary>
    public ValueId ScaleMap(string name, ValueId x, int kernel, int stride, int pad)
    {
        ValueId size = Graph.Add(new Unary { Name = name + ".size", Operator = UnaryOperator.Abs, StopsGradient = true, Inputs = [x] });
        var shape = Shape.Of(1, Channels(x), kernel, kernel);
        var values = new float[shape.Count];
        Array.Fill(values, 1f / shape.Count);
        ValueId weights = Graph.AddConstant(name + ".weight", Tensor.Create(shape, values));
        return Graph.Add(new Convolution { Name = name, Window = Square(kernel, stride, pad), Inputs = [size, weights] });
    }

    /// <summary>a ∘ b.</summary>
    public ValueId Combine(string name, BinaryOperator how, ValueId a, ValueId b) => Graph.Add(new Binary { Name = name, Operator = how, Inputs = [a, b] });

    /// <summary>1/(1 + exp −θ) of one learned number θ.</summary>
    public ValueId Gate(string name, float start) => Graph.Add(new Unary { Name = name, Operator = UnaryOperator.Sigmoid, Inputs = [Constant(name + ".value", 1, start)] });

    /// <summary>Mean of each 2×2, of ⌈size / 2⌉ places along each axis as a 3×3 convolution of stride 2 has them: at the end of an odd size the mean of what is there.</summary>
    public ValueId AveragePool(string name, ValueId x)
    {
        Shape shape = Graph[x].Type.Shape;
        Window window = Square(2, 2, 0) with { Kernel = [Math.Min(2, shape[2]), Math.Min(2, shape[3])] };
        return Graph.Add(new AveragePool { Name = name, Inputs = [x], Window = window, CeilMode = (shape[2] % 2) + (shape[3] % 2) > 0 });
    }

    /// <summary>Channels side by side.</summary>
    public ValueId Concat(string name, ValueId a, ValueId b) => Graph.Add(new Concat { Name = name, Axis = 1, Inputs = [a, b] });

    /// <summary>Batch normalization.</summary>
    public ValueId Normalize(string name, ValueId x)
    {
        int channels = Channels(x);
        ValueId[] constants = [Constant(name + ".scale", channels, 1), Constant(name + ".shift", channels, 0), Constant(name + ".mean", channels, 0), Constant(name + ".variance", channels, 1)];
        return Graph.Add(new BatchNormalization { Name = name, Inputs = [x, .. constants] });
    }

    /// <summary>max(x, 0).</summary>
    public ValueId Relu(string name, ValueId x) => Graph.Add(new Unary { Name = name, Operator = UnaryOperator.Clip, Alpha = 0, Beta = float.PositiveInfinity, Inputs = [x] });

    /// <summary>a + b.</summary>
    public ValueId Add(string name, ValueId a, ValueId b) => Graph.Add(new Binary { Name = name, Operator = BinaryOperator.Add, Inputs = [a, b] });

    /// <summary>Largest of each 2×2.</summary>
    public ValueId Pool(string name, ValueId x) => Pool(name, x, 2, 2, 0);

    /// <summary>Largest of each window.</summary>
    public ValueId Pool(string name, ValueId x, int kernel, int stride, int pad)
        => Graph.Add(new MaxPool { Name = name, Inputs = [x], Window = Square(kernel, stride, pad) });

    /// <summary>[N, ..] → [N, K].</summary>
    public ValueId Flatten(string name, ValueId x) => Graph.Add(new Reshape { Name = name, Target = [0, -1], Inputs = [x] });

    /// <summary>Mean over the pixels, flat.</summary>
    public ValueId GlobalAverage(string name, ValueId x) => Flatten(name + ".flat", Graph.Add(new GlobalAveragePool { Name = name, Inputs = [x] }));

    /// <summary>Convolution without bias, batch normalization.</summary>
    public ValueId NormalizedConvolution(string name, ValueId x, int channels, int kernel, int stride = 1)
        => Normalize(name + ".bn", Convolution(name, x, channels, kernel, stride, hasBias: false));

    /// <summary>Finishes with one output.</summary>
    public Graph Build(ValueId output)
    {
        Graph.AddOutput(output);
        return Graph.Build();
    }

    private ValueId Weight(string name, Shape shape) => Weight(name, shape, shape.CountOf(1, shape.Rank));

    private ValueId Weight(string name, Shape shape, int inputs)
    {
        var random = new CounterRandom(seed, ++_site);
        float bound = MathF.Sqrt(6f / inputs);
        float[] values = [.. Enumerable.Range(0, shape.Count).Select(i => ((2 * random.Uniform(i)) - 1) * bound)];
        return Graph.AddConstant(name + ".weight", Tensor.Create(shape, values), isTrainable: true);
    }

    private static Window Square(int kernel, int stride, int pad)
        => new() { Kernel = [kernel, kernel], Strides = [stride, stride], Dilations = [1, 1], PadsBegin = [pad, pad], PadsEnd = [pad, pad] };

    private ValueId Constant(string name, int count, float value) => Constant(name, Shape.Of(count), value);

    private ValueId Constant(string name, Shape shape, float value)
    {
        var values = new float[shape.Count];
        Array.Fill(values, value);
        return Graph.AddConstant(name, Tensor.Create(shape, values), isTrainable: true);
    }
}
