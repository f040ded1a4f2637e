using System;
using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>An integer graph and what became of each layer.</summary>
/// <param name="Graph">The graph.</param>
/// <param name="Layers">One outcome a convolution or dense layer, in order.</param>
public sealed record LoweredGraph(Graph Graph, ImmutableArray<LayerOutcome> Layers);

/// <summary>
/// Fake-quantized graph to integer graph. A layer between quantizers becomes an integer layer with an int32 accumulator; the FakeQuantize behind it becomes
/// Requantize with m[c] = fl(sx·sw[c]/sy), the product and quotient in double; a clamp becomes limits on codes; additions, products, means, functions
/// of codes become their integer nodes. One or two mid-rise bits, and levels of any spacing, become Thresholds over the accumulator, searched on the float expression
/// fl(fl(float(acc) · m) + b) with the clamps, PReLUs and affine steps behind it; weights or inputs that are sums of codes become one integer layer an addend and a CombineAccumulators.
/// What has no integer form stays float between Dequantize and Quantize; a layer whose accumulator is not proved to fit 32 bits stays float and
/// says so. Results agree with the fake-quantized graph but for roundings at near ties.
/// </summary>
public static class LowerToInteger
{
    /// <summary>Runs the pass.</summary>
    /// <param name="graph">The fake-quantized graph.</param>
    /// <param name="evaluate">Computes the entries of tables.</param>
    /// <param name="quantizeRows">Whether a dense layer with weights in groups and a float input becomes a <see cref="Nodes.GroupedDense"/>, which quantizes each row to 8 bits; otherwise its arithmetic stays float.</param>
    /// <param name="floatInputs">Whether such a layer takes its input as floats instead of quantizing rows.</param>
    public static LoweredGraph Run(Graph graph, GraphFunction evaluate, bool quantizeRows = false, bool floatInputs = false)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(evaluate);
        var lowering = new Lowering(graph, evaluate, quantizeRows, floatInputs);
        Graph lowered = RemoveDead.Run(lowering.Run());
        GraphVerifier.Verify(lowered);
        return new LoweredGraph(lowered, [.. lowering.Reports]);
    }
}
