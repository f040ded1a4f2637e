using System;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>The mean shift of one layer's outputs: the layer with the weights' rounding errors as weights, summed over rows and positions.</summary>
internal sealed class LayerShift
{
    private readonly Graph _graph;
    private readonly OperatorTable _operators;
    private readonly int _channels;
    private readonly int _axis;
    private readonly double[] _sums;
    private long _count;

    public LayerShift(Graph graph, Node layer, Tensor weights, Tensor rounded, OperatorTable operators)
    {
        Input = layer.Inputs[0];
        _operators = operators;
        Shape output = graph[layer.Output].Type.Shape;
        _axis = layer is Dense ? output.Rank - 1 : 1;
        _channels = output[_axis];
        _sums = new double[_channels];
        float[] plain = weights.Values<float>().ToArray();
        float[] error = [.. rounded.Values<float>().ToArray().Select((w, i) => w - plain[i])];
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", graph[Input].Type);
        ValueId w = builder.AddConstant("w", Tensor.Create(weights.Shape, error));
        Node bare = layer is Convolution convolution
            ? convolution with { Inputs = [x, w], Activation = Activation.None }
            : (Dense)layer with { Inputs = [x, w], Activation = Activation.None };
        builder.AddOutput(builder.Add(bare));
        _graph = builder.Build();
    }

    /// <summary>The layer's input in the fake-quantized network.</summary>
    public ValueId Input { get; }

    /// <summary>Takes in one batch of the layer's input.</summary>
    public void Observe(Tensor input)
    {
        using var evaluator = new Evaluator(_graph, _operators);
        Tensor output = evaluator.Run([input])[0];
        ReadOnlySpan<float> values = output.Values<float>();
        int inner = output.Shape.CountOf(_axis + 1, output.Shape.Rank);
        for (int i = 0; i < values.Length; i++)
        {
            _sums[i / inner % _channels] += values[i];
        }

        _count += values.Length / _channels;
    }

    /// <summary>The bias without the shift.</summary>
    public Tensor Correct(Tensor? bias)
    {
        float[] old = bias?.Values<float>().ToArray() ?? new float[_channels];
        return Tensor.Create(Shape.Of(_channels), [.. old.Select((b, c) => (float)(b - (_count == 0 ? 0 : _sums[c] / _count)))]);
    }
}
