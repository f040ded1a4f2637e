using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Quantize followed by Dequantize becomes one FakeQuantize; a dequantized constant of up to 8 bits becomes FakeQuantize of its decoded values, from which
/// encoding gives the same codes back. All parameters stay as they are. A dequantized constant of 32 bits (a bias) stays.
/// </summary>
public static class NormalizeQdq
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var walk = new PassWalk(graph);
        var quantizers = graph.Nodes.OfType<Dequantize>().Where(d => Source(walk, d) is not null).ToHashSet<Node>(ReferenceEqualityComparer.Instance);
        if (quantizers.Count == 0)
        {
            return graph;
        }

        var fakes = new Dictionary<ValueId, ValueId>();
        Graph merged = PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (!quantizers.Contains(node))
            {
                return false;
            }

            ValueId codes = node.Inputs[0];
            if (!fakes.TryGetValue(codes, out ValueId fake))
            {
                fake = Emit(rewriter, walk, node);
                fakes[codes] = fake;
            }

            rewriter.Replace(node.Output, fake);
            return true;
        });
        return RemoveDead.Run(merged);
    }

    /// <summary>Adds a FakeQuantize of a value of the new graph, its scales and zero points as constants.</summary>
    internal static ValueId Add(GraphBuilder builder, ValueId value, AffineQuantization quantizer, string name)
    {
        ValueId scales = builder.AddConstant(name + ".scale", Tensor.Create<float>(Shape.Of(quantizer.Scales.Length), quantizer.Scales.AsSpan()));
        ValueId zeros = builder.AddConstant(name + ".zero", Tensor.Create<int>(Shape.Of(quantizer.ZeroPoints.Length), quantizer.ZeroPoints.AsSpan()));
        return builder.Add(new FakeQuantize
        {
            Name = name,
            Inputs = [value, scales, zeros],
            Code = quantizer.Code,
            Range = quantizer.Range,
            Granularity = quantizer.Granularity,
            Axis = quantizer.Axis,
            GroupSize = quantizer.GroupSize,
        });
    }

    /// <summary>The value that a Dequantize gives back: a float that was quantized, or a constant of few bits.</summary>
    private static Value? Source(PassWalk walk, Dequantize node)
    {
        Value codes = walk.Graph[node.Inputs[0]];
        return walk.Producer(node.Inputs[0]) is Quantize quantize
            ? walk.Graph[quantize.Inputs[0]]
            : codes.Constant is not null && codes.Type.Quantization is { Codebook: null } q && q.Code.Bits.Bits <= 8 ? codes : null;
    }

    private static ValueId Emit(GraphRewriter rewriter, PassWalk walk, Node node)
    {
        Value codes = walk.Graph[node.Inputs[0]];
        AffineQuantization quantizer = codes.Type.Quantization!;
        ValueId source = walk.Producer(node.Inputs[0]) is Quantize quantize
            ? rewriter.Map(quantize.Inputs[0])
            : rewriter.Builder.AddConstant(codes.Name, quantizer.Decode(codes.Constant!), isTrainable: codes.IsTrainable);
        return Add(rewriter.Builder, source, quantizer, walk.Graph[node.Output].Name);
    }
}
