using System;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization;

/// <summary>
/// The float network that training begins with: a graph, for example from <c>SmallNetworks</c> or, in the order that signs want (normalization, sign, convolution), <c>BinaryNetworks</c>, or the path of an ONNX or <c>.mlq</c>
/// file. Both convert to it by themselves. Behind rectifiers, as imported networks have them, signs of activations become 0 and 1.
/// </summary>
public readonly record struct NetworkStart
{
    private NetworkStart(Graph? graph, string file) => (Graph, File) = (graph, file);

    /// <summary>The graph; null where a file is given.</summary>
    public Graph? Graph { get; }

    /// <summary>The path of the file; empty where a graph is given.</summary>
    public string File { get; }

    /// <summary>Begins with a graph.</summary>
    public static implicit operator NetworkStart(Graph graph) => FromGraph(graph);

    /// <summary>Begins with the network of a file.</summary>
    public static implicit operator NetworkStart(string file) => FromString(file);

    /// <summary>Begins with a graph.</summary>
    public static NetworkStart FromGraph(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new NetworkStart(graph, string.Empty);
    }

    /// <summary>Begins with the network of a file.</summary>
    public static NetworkStart FromString(string file)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        return new NetworkStart(null, file);
    }
}
