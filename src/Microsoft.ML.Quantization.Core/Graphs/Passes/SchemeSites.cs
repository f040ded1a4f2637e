using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Which method of a scheme stands on which operand of which layer of a graph.</summary>
internal sealed class SchemeSites
{
    private const int EdgeBits = 8;

    private readonly Graph _graph;
    private readonly QuantizationAwareScheme _scheme;
    private readonly HashSet<string> _kept;
    private readonly HashSet<Node> _edges;

    public SchemeSites(Graph graph, QuantizationAwareScheme scheme)
    {
        (_graph, _scheme) = (graph, scheme);
        string[] names = [.. graph.Nodes.Where(LayerSelection.IsLayer).Select(n => n.Name)];
        _kept = [.. scheme.KeepFloat.SelectMany(pattern => LayerPattern.Match(pattern, names))];
        _edges = LayerSelection.Edges(graph);
        HashSet<string> treated = [.. scheme.TreatAsEdges.SelectMany(pattern => LayerPattern.Match(pattern, names))];
        _edges.UnionWith(graph.Nodes.Where(n => treated.Contains(n.Name) || (scheme.DownsamplingAsEdges && IsDownsampling(graph, n))));
    }

    /// <summary>Refuses patterns of a scheme that match no layer of a graph.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnknownLayer"/>.</exception>
    public static void Check(Graph graph, QuantizationAwareScheme scheme) => _ = new SchemeSites(graph, scheme);

    /// <summary>Whether a node is a layer whose operands the scheme may quantize.</summary>
    public bool IsQuantizable(Node node) => LayerSelection.IsLayer(node) && !_kept.Contains(node.Name) && _graph[node.Inputs[1]].Constant is not null;

    /// <summary>Whether a layer is first, last or treated so, and has bits of its own for that.</summary>
    public bool IsApart(Node layer) => _scheme.EdgeLayers != EdgeLayers.SameBits && _edges.Contains(layer);

    /// <summary>The method on a layer's weights, or null.</summary>
    public QuantizationMethod? Weights(Node layer) => Method(_scheme.Weights, layer, perChannel: true);

    /// <summary>The method on a layer's input, or null; the bits of the network's inputs are the caller's to look at.</summary>
    public QuantizationMethod? Activations(Node layer) => Method(_scheme.Activations, layer, perChannel: false);

    /// <summary>A convolution of one tap that strides, or that stands behind a pool, with at most what works element by element between them.</summary>
    private static bool IsDownsampling(Graph graph, Node node)
        => node is Convolution { Groups: 1 } convolution && convolution.Window.Kernel.All(k => k == 1) && (convolution.Window.Strides.Any(s => s > 1) || IsPooled(graph, graph.Producers(), convolution.Inputs[0]));

    private static bool IsPooled(Graph graph, Node?[] producers, ValueId value) => producers[value.Index] switch
    {
        MaxPool or AveragePool => true,
        BatchNormalization or Unary => IsPooled(graph, producers, producers[value.Index]!.Inputs[0]),
        Binary binary when graph[binary.Inputs[1]].Constant is not null => IsPooled(graph, producers, binary.Inputs[0]),
        _ => false,
    };

    private QuantizationMethod? Method(QuantizationMethod? own, Node layer, bool perChannel)
        => !IsApart(layer) ? own
        : _scheme.EdgeLayers == EdgeLayers.Float ? null
        : own is { Bits: >= EdgeBits } ? own
        : new Affine { Bits = EdgeBits, PerChannel = perChannel };
}
