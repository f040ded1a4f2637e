using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>What passes share: who writes and reads each value, pairs of nodes that become one, and the verified walk.</summary>
internal sealed class PassWalk
{
    private readonly Node?[] _producers;
    private readonly List<Node>[] _consumers;
    private readonly HashSet<ValueId> _outputs;

    public PassWalk(Graph graph)
    {
        Graph = graph;
        _producers = graph.Producers();
        _consumers = graph.Consumers();
        _outputs = [.. graph.Outputs];
    }

    public Graph Graph { get; }

    /// <summary>The node that writes a value, or null.</summary>
    public Node? Producer(ValueId value) => _producers[value.Index];

    /// <summary>Whether a value is an input of the graph under any shape.</summary>
    public bool IsInput(ValueId value) => Graph.Inputs.Contains(value) || (Producer(value) is Nodes.Reshape or Nodes.Transpose && IsInput(Producer(value)!.Inputs[0]));

    /// <summary>The nodes that read a value.</summary>
    public IReadOnlyList<Node> Consumers(ValueId value) => _consumers[value.Index];

    /// <summary>Whether the value leaves the graph.</summary>
    public bool IsOutput(ValueId value) => _outputs.Contains(value);

    /// <summary>The only reader of a value that does not leave the graph, or null.</summary>
    public Node? SoleConsumer(ValueId value) => _consumers[value.Index].Count == 1 && !IsOutput(value) ? _consumers[value.Index][0] : null;

    /// <summary>The writer of a value that only <paramref name="reader"/> reads (once) and that does not leave the graph, or null.</summary>
    public Node? SoleProducer(Node reader, int input)
    {
        ValueId value = reader.Inputs[input];
        return SoleConsumer(value) == reader && reader.Inputs.Count(i => i == value) == 1 ? Producer(value) : null;
    }

    /// <summary>
    /// One walk that melts pairs: <paramref name="match"/> names, for a node, the earlier node that goes into it (or null); <paramref name="emit"/> writes both as one.
    /// </summary>
    public static Graph Melt(Graph graph, Func<PassWalk, Node, Node?> match, Action<GraphRewriter, Node, Node> emit)
    {
        var walk = new PassWalk(graph);
        var pairs = new Dictionary<Node, Node>(ReferenceEqualityComparer.Instance);
        var gone = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes)
        {
            if (match(walk, node) is { } earlier && !pairs.ContainsKey(earlier) && gone.Add(earlier))
            {
                pairs[node] = earlier;
            }
        }

        return pairs.Count == 0 ? graph : Rewrite(graph, (rewriter, node) =>
        {
            if (pairs.TryGetValue(node, out Node? earlier))
            {
                emit(rewriter, earlier, node);
                return true;
            }

            return gone.Contains(node);
        });
    }

    /// <summary>Repeats a walk until it changes nothing.</summary>
    public static Graph Repeat(Graph graph, Func<Graph, Graph> walk)
    {
        for (Graph next = walk(graph); !ReferenceEquals(next, graph); next = walk(graph))
        {
            graph = next;
        }

        return graph;
    }

    /// <summary>Copies a graph node by node, but for the nodes that <paramref name="visit"/> says it has dealt with; verifies the result.</summary>
    public static Graph Rewrite(Graph graph, Func<GraphRewriter, Node, bool> visit)
    {
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!visit(rewriter, node))
            {
                rewriter.Copy(node);
            }
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }
}
