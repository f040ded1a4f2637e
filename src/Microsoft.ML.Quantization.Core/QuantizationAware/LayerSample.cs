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

    private readonly LearnedQuantize _quantizer;
    private readonly Tensor[] _inputs;
    private readonly Tensor _levels;

    private LayerSample(LearnedQuantize quantizer, Tensor[] inputs, Tensor levels) => (_quantizer, _inputs, _levels) = (quantizer, inputs, levels);

    /// <summary>The sample of a layer without groups that reads a quantizer, or null.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="values">Values of the graph on some rows, by name.</param>
    public static LayerSample? Of(Graph graph, Node layer, Func<string, Tensor> values)
    {
        LearnedQuantize? quantizer = graph.Nodes.OfType<LearnedQuantize>().FirstOrDefault(n => n.Output == layer.Inputs[0] && n.Site == QuantizerSites.Activations);
        return quantizer is null || layer is Convolution { Groups: > 1 } ? null : new LayerSample(quantizer, [values(graph[quantizer.Inputs[0]].Name), .. quantizer.Inputs.Skip(1).Select(graph.ConstantOf)], values(graph[quantizer.Output].Name));
    }

    /// <summary>Share of values through which gradients pass.</summary>
    public double Window()
    {
        MethodCall call = _quantizer.Call(_inputs, MethodContext.Evaluation, WorkerPool.Single);
        Tensor g = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        g.Writable<float>().Fill(1);
        Tensor dx = Tensor.Allocate(ElementType.Float32, _inputs[0].Shape);
        MethodShares.Backward(_quantizer.Method, call, _quantizer.Method.Prepare(call), g, dx);
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
        for (int i = 0; i < MostPatches; i++)
        {
            int row = random.Integer(i * 8L, 0, shape[0] - 1);
            int[] corner = layer is Convolution convolution ? Corner(convolution.Window, shape, random, i * 8L) : [];
            yield return (Patch(layer, _inputs[0], row, corner, length), Patch(layer, _levels, row, corner, length));
        }
    }

    /// <summary>The first tap of a place.</summary>
    private static int[] Corner(Window window, Shape shape, CounterRandom random, long key) => [.. window.Kernel.Select((k, axis) =>
    {
        int span = ((k - 1) * window.Dilations[axis]) + 1;
        int places = ((shape[axis + 2] + window.PadsBegin[axis] + window.PadsEnd[axis] - span) / window.Strides[axis]) + 1;
        return (random.Integer(key + 1 + axis, 0, places - 1) * window.Strides[axis]) - window.PadsBegin[axis];
    })];

    private static float[] Patch(Node layer, Tensor x, int row, int[] corner, int length)
    {
        var patch = new float[length];
        int size = x.Shape.Count / x.Shape[0];
        ReadOnlySpan<float> values = x.Values<float>().Slice(row * size, size);
        if (layer is not Convolution convolution)
        {
            values[..length].CopyTo(patch);
            return patch;
        }

        int taps = convolution.Window.Kernel.Aggregate(1, static (a, b) => a * b);
        for (int i = 0; i < length; i++)
        {
            int place = Place(convolution.Window, x.Shape, corner, i % taps);
            patch[i] = place < 0 ? 0 : values[(i / taps * (size / x.Shape[1])) + place];
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
