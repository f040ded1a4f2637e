using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>What a layer reads on some rows: the values in front of the quantizer of its input and behind it.</summary>
internal sealed class LayerSample
{
    private const int MostPatches = 64;
    private const ulong PatchSite = 0xD1A6;

    private readonly LayerInput _input;
    private readonly MethodContext _end;
    private readonly Tensor[] _inputs;
    private readonly Tensor _levels;

    /// <summary>Reads the sample.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">The quantizer in front of the layer.</param>
    /// <param name="values">Values of the graph on some rows, by name.</param>
    /// <param name="end">The last step of training, whose window counts.</param>
    public LayerSample(Graph graph, LayerInput input, Func<string, Tensor> values, MethodContext end)
    {
        (_input, _end) = (input, end);
        _inputs = [values(graph[input.Quantizer.Inputs[0]].Name), .. input.Quantizer.Inputs.Skip(1).Select(graph.ConstantOf)];
        _levels = values(graph[input.Quantizer.Output].Name);
    }

    /// <summary>Share of values through which gradients pass.</summary>
    public double Window()
    {
        QuantizationMethod method = _input.Quantizer.Method;
        MethodCall call = _input.Quantizer.Call(_inputs, _end, WorkerPool.Single);
        Tensor g = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        g.Writable<float>().Fill(1);
        Tensor dx = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        MethodShares.Backward(method, call, method.Prepare(call), g, dx);
        return dx.Values<float>().ToArray().Count(v => v != 0) / (double)Math.Max(1, dx.Shape.Count);
    }

    /// <summary>Mean over channels of the entropy of levels in bits.</summary>
    public double Entropy()
    {
        Shape shape = _levels.Shape;
        int inner = shape.CountOf(2, shape.Rank);
        var counts = new Dictionary<float, int>[shape[1]];
        ReadOnlySpan<float> y = _levels.Values<float>();
        for (int i = 0; i < y.Length; i++)
        {
            Dictionary<float, int> own = counts[i / inner % shape[1]] ??= [];
            own[y[i]] = own.GetValueOrDefault(y[i]) + 1;
        }

        return counts.Where(c => c is not null).Average(c => c.Values.Sum(n => -(double)n / c.Values.Sum() * Math.Log2((double)n / c.Values.Sum())));
    }

    /// <summary>Inputs of single outputs, drawn over rows and places: real ones and their levels.</summary>
    public IEnumerable<(float[] Reals, float[] Levels)> Patches(Node layer, int length)
    {
        var random = new CounterRandom(1, PatchSite);
        Shape shape = _inputs[0].Shape;
        Window? window = layer is Convolution convolution ? Padded(convolution.Window) : null;
        for (int i = 0; i < MostPatches; i++)
        {
            int row = random.Integer(i * 8L, 0, shape[0] - 1);
            int[] corner = window is null ? [] : Corner(window, shape, random, i * 8L);
            yield return (Patch(window, _inputs[0], row, corner, length), Patch(window, _levels, row, corner, length));
        }
    }

    /// <summary>The window with the padding in front of the layer as its own.</summary>
    private Window Padded(Window window) => _input.Padding is not { } padding ? window : window with
    {
        PadsBegin = [.. window.PadsBegin.Zip(padding.Before.Skip(2), static (a, b) => a + b)],
        PadsEnd = [.. window.PadsEnd.Zip(padding.After.Skip(2), static (a, b) => a + b)],
    };

    /// <summary>The first tap of a place.</summary>
    private static int[] Corner(Window window, Shape shape, CounterRandom random, long key) => [.. window.Kernel.Select((k, axis) =>
    {
        int span = ((k - 1) * window.Dilations[axis]) + 1;
        int places = ((shape[axis + 2] + window.PadsBegin[axis] + window.PadsEnd[axis] - span) / window.Strides[axis]) + 1;
        return (random.Integer(key + 1 + axis, 0, places - 1) * window.Strides[axis]) - window.PadsBegin[axis];
    })];

    private float[] Patch(Window? window, Tensor x, int row, int[] corner, int length)
    {
        var patch = new float[length];
        int size = x.Shape.Count / x.Shape[0];
        ReadOnlySpan<float> values = x.Values<float>().Slice(row * size, size);
        if (window is null)
        {
            values[..length].CopyTo(patch);
            return patch;
        }

        int taps = window.Kernel.Aggregate(1, static (a, b) => a * b);
        for (int i = 0; i < length; i++)
        {
            int place = Place(window, x.Shape, corner, i % taps);
            patch[i] = place < 0 ? _input.Padding?.Value ?? 0 : values[(i / taps * (size / x.Shape[1])) + place];
        }

        return patch;
    }

    /// <summary>Where a tap lies in a channel, or −1 in padding.</summary>
    private static int Place(Window window, Shape shape, int[] corner, int tap)
    {
        int place = 0;
        int step = 1;
        for (int axis = corner.Length - 1; axis >= 0; axis--)
        {
            int at = corner[axis] + (tap % window.Kernel[axis] * window.Dilations[axis]);
            if (at < 0 || at >= shape[axis + 2])
            {
                return -1;
            }

            place += at * step;
            step *= shape[axis + 2];
            tap /= window.Kernel[axis];
        }

        return place;
    }
}
