using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Structured pruning of a float graph: channels vanish from the layers that write them, from everything they pass through and from the layers that read them, and a smaller graph is
/// left. Its outputs are those of the graph in which the removed channels read as 0, bit for bit.
/// </summary>
public static class PruneChannels
{
    /// <summary>The groups of channels that can lose members.</summary>
    public static ImmutableArray<ChannelGroup> Find(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return [.. new ChannelGroups(graph).Free().Select(g => g.Group)];
    }

    /// <summary>The channels to keep in each group if the given share of them goes, those with the smallest Σ|w| over the group's filters (Li et al., 2017); at least one stays.</summary>
    /// <param name="graph">A float graph.</param>
    /// <param name="share">In [0, 1).</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the share is out of range.</exception>
    public static ImmutableSortedDictionary<string, ImmutableArray<int>> ByFilterNorm(Graph graph, double share)
    {
        CheckShare(share);
        return Find(graph).ToImmutableSortedDictionary(
            g => g.Name,
            g => Largest(Norms(graph, g), g.Count - Math.Min(g.Count - 1, CountOf(share, g.Count))),
            StringComparer.Ordinal);
    }

    /// <summary>
    /// The channels to keep if the given share of all channels with a scale goes, those with the smallest |γ| (the largest of the group's) over the whole network (Liu et al., 2017); at
    /// least one a group stays. Training with <c>ScalePenalty</c> makes them small.
    /// </summary>
    /// <param name="graph">A float graph with batch normalizations.</param>
    /// <param name="share">In [0, 1).</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the share is out of range.</exception>
    public static ImmutableSortedDictionary<string, ImmutableArray<int>> ByScale(Graph graph, double share)
    {
        CheckShare(share);
        ChannelGroup[] groups = [.. Find(graph).Where(g => g.Scales.Length > 0)];
        Dictionary<string, float[]> sizes = groups.ToDictionary(g => g.Name, g => Scales(graph, g), StringComparer.Ordinal);
        (string Group, int Channel)[] order = [.. groups.SelectMany(g => Enumerable.Range(0, g.Count).Select(i => (g.Name, i))).OrderBy(c => sizes[c.Name][c.i])];
        HashSet<(string, int)> gone = [.. order.Take(CountOf(share, order.Length))];
        return groups.ToImmutableSortedDictionary(
            g => g.Name,
            g => Largest(sizes[g.Name], Math.Max(1, Enumerable.Range(0, g.Count).Count(i => !gone.Contains((g.Name, i))))),
            StringComparer.Ordinal);
    }

    /// <summary>Removes channels.</summary>
    /// <param name="graph">A float graph.</param>
    /// <param name="kept">For groups by name, the channels that stay, ascending; groups without an entry keep all.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnknownLayer"/>: no group of that name can lose channels. InvalidOptions: channels that the group does not have, or none.</exception>
    public static Graph Run(Graph graph, IReadOnlyDictionary<string, ImmutableArray<int>> kept)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(kept);
        var groups = new ChannelGroups(graph);
        Dictionary<int, ImmutableArray<int>> chosen = Chosen(groups, kept);
        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            var sliced = new Dictionary<ValueId, Tensor>();
            foreach ((int input, int axis, ValueId channels) in Sliced(graph, node))
            {
                if (chosen.TryGetValue(groups.GroupOf(channels), out ImmutableArray<int> keep))
                {
                    ValueId id = node.Inputs[input];
                    sliced[id] = Slice(sliced.GetValueOrDefault(id) ?? graph.ConstantOf(id), axis, axis == 1 ? groups.RunOf(channels) : 1, keep);
                }
            }

            foreach ((ValueId id, Tensor values) in sliced)
            {
                rewriter.Replace(id, rewriter.Builder.AddConstant(graph[id].Name, values, isTrainable: graph[id].IsTrainable));
            }

            Node copy = node with { Inputs = rewriter.Map(node.Inputs) };
            rewriter.Emit(node, ChannelGroups.IsDepthwise(graph, node) ? ((Convolution)copy) with { Groups = rewriter.Builder[copy.Inputs[0]].Type.Shape[1] } : copy);
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }

    private static Dictionary<int, ImmutableArray<int>> Chosen(ChannelGroups groups, IReadOnlyDictionary<string, ImmutableArray<int>> kept)
    {
        Dictionary<string, (int Number, ChannelGroup Group)> byName = groups.Free().ToDictionary(g => g.Group.Name, StringComparer.Ordinal);
        var chosen = new Dictionary<int, ImmutableArray<int>>();
        foreach ((string name, ImmutableArray<int> channels) in kept)
        {
            if (!byName.TryGetValue(name, out (int Number, ChannelGroup Group) found))
            {
                throw new QuantizationException(QuantizationErrorCode.UnknownLayer, $"Pruning: expected one of the groups {string.Join(", ", byName.Keys.Order(StringComparer.Ordinal))}, found '{name}'.");
            }

            bool isGood = channels.Length > 0 && channels[0] >= 0 && channels[^1] < found.Group.Count && channels.Zip(channels.Skip(1)).All(p => p.First < p.Second);
            chosen[found.Number] = isGood ? channels : throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"Pruning of '{name}': expected channels from 0 to {found.Group.Count - 1}, ascending, found {string.Join(", ", channels)}."));
        }

        return chosen;
    }

    /// <summary>Constants of a node that follow channels: the input, its axis, and the value whose channels it follows.</summary>
    private static IEnumerable<(int Input, int Axis, ValueId Channels)> Sliced(Graph graph, Node node)
    {
        if (ChannelGroups.IsWriter(node))
        {
            yield return (1, 1, node.Inputs[0]);
        }

        if (ChannelGroups.IsWriter(node) || ChannelGroups.IsDepthwise(graph, node) || node is BatchNormalization)
        {
            for (int input = 1; input < node.Inputs.Length; input++)
            {
                yield return (input, 0, node.Outputs[0]);
            }
        }
    }

    /// <summary>Keeps some channels of a constant, each <paramref name="run"/> wide, along an axis.</summary>
    private static Tensor Slice(Tensor now, int axis, int run, ImmutableArray<int> keep)
    {
        int outer = now.Shape.CountOf(0, axis);
        int inner = now.Shape.CountOf(axis + 1, now.Shape.Rank) * run;
        int whole = now.Shape[axis] * now.Shape.CountOf(axis + 1, now.Shape.Rank);
        var result = new float[outer * keep.Length * inner];
        for (int i = 0; i < outer; i++)
        {
            for (int j = 0; j < keep.Length; j++)
            {
                now.Values<float>().Slice((i * whole) + (keep[j] * inner), inner).CopyTo(result.AsSpan(((i * keep.Length) + j) * inner));
            }
        }

        int[] dimensions = [.. now.Shape.Dimensions];
        dimensions[axis] = keep.Length * run;
        return Tensor.Create<float>(new Shape([.. dimensions]), result);
    }

    private static float[] Norms(Graph graph, ChannelGroup group)
    {
        var norms = new float[group.Count];
        foreach (string name in group.Layers)
        {
            graph.TryFind(name, out ValueId id);
            Tensor weights = graph.ConstantOf(id);
            int length = weights.Shape.Count / group.Count;
            for (int i = 0; i < norms.Length; i++)
            {
                norms[i] += Numerics.FloatReduction.SumAbsolute(weights.Values<float>().Slice(i * length, length));
            }
        }

        return norms;
    }

    private static float[] Scales(Graph graph, ChannelGroup group)
    {
        var sizes = new float[group.Count];
        foreach (string name in group.Scales)
        {
            graph.TryFind(name, out ValueId id);
            for (int i = 0; i < sizes.Length; i++)
            {
                sizes[i] = Math.Max(sizes[i], MathF.Abs(graph.ConstantOf(id).Values<float>()[i]));
            }
        }

        return sizes;
    }

    /// <summary>The places of the largest, ascending; of equals the later goes first.</summary>
    private static ImmutableArray<int> Largest(float[] sizes, int count)
        => [.. Enumerable.Range(0, sizes.Length).OrderByDescending(i => sizes[i]).ThenBy(i => i).Take(count).Order()];

    /// <summary>⌊share·count⌋, decimals meant exactly: 0.29 of 100 is 29.</summary>
    private static int CountOf(double share, int count) => (int)((share * count) + 1e-6);

    private static void CheckShare(double share)
    {
        if (share is not (>= 0 and < 1))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"Pruning: expected a share in [0, 1), found {share}."));
        }
    }
}
