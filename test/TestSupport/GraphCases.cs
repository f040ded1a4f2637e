using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Small float graphs with a free batch, one for each shape of network that the passes and engines meet.</summary>
public static class GraphCases
{
    private static readonly Dictionary<string, Func<Graph>> _all = new(StringComparer.Ordinal)
    {
        ["mlp"] = Mlp,
        ["residual"] = Residual,
        ["depthwise-se"] = DepthwiseSqueezeExcite,
        ["concat"] = Concat,
        ["pools"] = Pools,
        ["conv1d"] = Convolution1D,
        ["conv3d"] = Convolution3D,
        ["batchnorm"] = BatchNorm,
    };

    /// <summary>The names of all cases.</summary>
    public static IEnumerable<string> Names => _all.Keys;

    /// <summary>Every name as the one argument of a data-driven test.</summary>
    public static IEnumerable<object[]> Rows => Names.Select(n => new object[] { n });

    /// <summary>Builds a case.</summary>
    public static Graph Create(string name) => _all[name]();

    /// <summary>Seeded inputs in [−2, 2) for a batch.</summary>
    public static Tensor[] Inputs(Graph graph, int batch, ulong seed = 1)
        => [.. graph.Inputs.Select((id, i) => RandomTensors.Floats(graph[id].Type.Shape.Bind(batch), seed + (ulong)i))];

    /// <summary>[N, 20] → 33 relu → 17 relu → 10.</summary>
    public static Graph Mlp()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 20));
        net.Dense(33, Activation.Relu);
        net.Dense(17, Activation.Relu);
        net.Dense(10, Activation.None);
        return net.Build();
    }

    /// <summary>A stem, one identity block and one projection block with stride 2, global pool, dense.</summary>
    public static Graph Residual()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 3, 11, 11));
        ValueId x = net.Convolution(8, 3, 1, 1, Activation.Relu);
        net.Convolution(8, 3, 1, 1, Activation.Relu);
        net.Convolution(8, 3, 1, 1, Activation.None);
        x = net.Add(x, net.Current, Activation.Relu);
        net.Convolution(14, 3, 2, 1, Activation.Relu);
        ValueId left = net.Convolution(14, 3, 1, 1, Activation.None);
        net.Current = x;
        ValueId right = net.Convolution(14, 1, 2, 0, Activation.None);
        net.Add(left, right, Activation.Relu);
        net.GlobalPool();
        net.Flatten();
        net.Dense(5, Activation.None);
        return net.Build();
    }

    /// <summary>Pointwise, depthwise, squeeze and excite (pool, two pointwise, hard sigmoid, multiply), pointwise, shortcut.</summary>
    public static Graph DepthwiseSqueezeExcite()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 6, 9, 9));
        ValueId shortcut = net.Current;
        net.Convolution(18, 1, 1, 0, new Activation(0, 6));
        ValueId x = net.Convolution(18, 3, 1, 1, new Activation(0, 6), groups: 18);
        net.GlobalPool();
        net.Convolution(5, 1, 1, 0, Activation.Relu);
        net.Convolution(18, 1, 1, 0, Activation.None);
        ValueId gate = net.Unary(UnaryOperator.HardSigmoid, 1f / 6, 0.5f);
        net.Current = net.Binary(BinaryOperator.Multiply, x, gate);
        ValueId y = net.Convolution(6, 1, 1, 0, Activation.None);
        net.Add(shortcut, y, Activation.None);
        net.GlobalPool();
        net.Flatten();
        net.Dense(4, Activation.None);
        return net.Build();
    }

    /// <summary>A squeeze with two branches (1×1 and 3×3) joined along the channels, then a branch of its own pool.</summary>
    public static Graph Concat()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 5, 8, 8));
        ValueId squeeze = net.Convolution(7, 1, 1, 0, Activation.Relu);
        ValueId a = net.Convolution(9, 1, 1, 0, Activation.Relu);
        net.Current = squeeze;
        ValueId b = net.Convolution(6, 3, 1, 1, Activation.Relu);
        net.Current = squeeze;
        ValueId c = net.MaxPool(3, 1, 1);
        net.Join(1, a, b, c);
        net.Convolution(8, 3, 2, 1, Activation.Relu, groups: 2);
        net.GlobalPool();
        net.Flatten();
        net.Dense(3, Activation.None);
        return net.Build();
    }

    /// <summary>Convolution, max pool, average pool with and without counted padding, flatten of a map, dense.</summary>
    public static Graph Pools()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 2, 13, 12));
        net.Convolution(6, 5, 1, 2, Activation.Relu);
        net.MaxPool(3, 2, 1);
        net.AveragePool(3, 1, 1, countPadding: false);
        net.AveragePool(2, 2, 0, countPadding: true);
        net.Flatten();
        net.Dense(4, Activation.None);
        return net.Build();
    }

    /// <summary>One spatial axis.</summary>
    public static Graph Convolution1D()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 4, 25));
        net.Convolution(8, 5, 2, 2, Activation.Relu);
        net.MaxPool(2, 2, 0);
        net.Convolution(6, 3, 1, 1, Activation.Relu);
        net.GlobalPool();
        net.Flatten();
        net.Dense(3, Activation.None);
        return net.Build();
    }

    /// <summary>Three spatial axes.</summary>
    public static Graph Convolution3D()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 2, 5, 6, 7));
        net.Convolution(4, 3, 1, 1, Activation.Relu);
        net.MaxPool(2, 2, 0);
        net.Convolution(5, 2, 1, 0, Activation.Relu);
        net.Flatten();
        net.Dense(3, Activation.None);
        return net.Build();
    }

    /// <summary>Convolutions without bias followed by BatchNormalization and a separate ReLU, as an importer gives them.</summary>
    public static Graph BatchNorm()
    {
        var net = new GraphCaseBuilder(Shape.Of(Shape.Free, 3, 8, 8));
        net.Convolution(8, 3, 1, 1, Activation.None, bias: false);
        net.BatchNormalization();
        net.Unary(UnaryOperator.Clip, 0, float.PositiveInfinity);
        net.Convolution(8, 3, 2, 1, Activation.None, groups: 8, bias: false);
        net.BatchNormalization();
        net.Unary(UnaryOperator.Clip, 0, 6);
        net.GlobalPool();
        net.Flatten();
        net.Dense(4, Activation.None);
        return net.Build();
    }

    /// <summary>A window with the same numbers on every axis.</summary>
    public static Window Window(int rank, int kernel, int stride = 1, int pad = 0, int dilation = 1) => new()
    {
        Kernel = Same(rank, kernel),
        Strides = Same(rank, stride),
        Dilations = Same(rank, dilation),
        PadsBegin = Same(rank, pad),
        PadsEnd = Same(rank, pad),
    };

    private static ImmutableArray<int> Same(int rank, int value) => [.. Enumerable.Repeat(value, rank)];
}
