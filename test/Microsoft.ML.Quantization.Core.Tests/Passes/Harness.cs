using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Float graph to integer graph with the extremes of one batch as ranges, and the interpreter.</summary>
internal static class Harness
{
    public static IReadOnlyList<Tensor> Evaluate(Graph graph, IReadOnlyList<Tensor> inputs) => new Evaluator(graph, OperatorTable.Reference).Run(inputs);

    public static float[] Run(Graph graph, IReadOnlyList<Tensor> inputs) => Evaluate(graph, inputs)[0].Values<float>().ToArray();

    public static Graph Clean(Graph graph) => CleanPasses.Run(graph, Evaluate);

    public static AffineQuantization Weights(LayerPlan layer, Tensor weights)
    {
        IntegerRange range = IntegerRange.SignedNarrow(layer.WeightBits);
        int channels = weights.Shape[0];
        int length = weights.Shape.Count / channels;
        float[] values = weights.Values<float>().ToArray();
        AffineParameters[] parameters = [.. Enumerable.Range(0, channels).Select(c => AffineParameters.Symmetric(values.Skip(c * length).Take(length).Max(Math.Abs), range))];
        return new AffineQuantization
        {
            Code = new CodeType(new BitWidth(layer.WeightBits), true),
            Range = range,
            Granularity = Granularity.PerAxis,
            Scales = [.. parameters.Select(p => p.Scale)],
            ZeroPoints = [.. parameters.Select(p => p.ZeroPoint)],
        };
    }

    /// <summary>Extremes of every value of a graph on some inputs.</summary>
    public static Dictionary<string, ClippingRange> Ranges(Graph graph, IReadOnlyList<Tensor> inputs)
    {
        var ranges = new Dictionary<string, ClippingRange>(StringComparer.Ordinal);
        void Note(ValueId id, Tensor tensor)
        {
            if (tensor.Type == ElementType.Float32)
            {
                float[] values = tensor.Values<float>().ToArray();
                ranges[graph[id].Name] = new ClippingRange(values.Min(), values.Max());
            }
        }

        new Evaluator(graph, OperatorTable.Reference).Run(inputs, Note, CancellationToken.None);
        return ranges;
    }

    public static Graph Insert(Graph clean, QuantizationScheme scheme, IReadOnlyList<Tensor> inputs)
    {
        QuantizationPlan plan = QuantizationPlan.Create(clean, scheme);
        Dictionary<string, ClippingRange> ranges = Ranges(clean, inputs);
        return InsertFakeQuantize.Run(clean, plan, plan.Sites.ToDictionary(s => s, s => s.Quantizer(ranges[s.ValueName])), Weights);
    }

    public static LoweredGraph Lower(Graph graph, QuantizationScheme scheme, IReadOnlyList<Tensor> inputs)
        => LowerToInteger.Run(Insert(Clean(graph), scheme, inputs), Evaluate);
}
