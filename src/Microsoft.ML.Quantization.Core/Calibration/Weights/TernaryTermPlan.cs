using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>The ternary terms of all layers of a network that get them.</summary>
internal sealed class TernaryTermPlan
{
    private const int TermBits = 2;
    private readonly Dictionary<string, TernaryTermFit> _fits = new(StringComparer.Ordinal);

    private TernaryTermPlan()
    {
    }

    /// <summary>The layers with terms and what they got.</summary>
    public IReadOnlyDictionary<string, TernaryTermFit> Fits => _fits;

    /// <summary>Blocks of the network.</summary>
    public int Blocks => _fits.Values.Sum(f => f.BlockTerms.Length);

    /// <summary>Terms beyond the first of each block.</summary>
    public int Extra => _fits.Values.Sum(f => f.BlockTerms.Sum() - f.BlockTerms.Length);

    /// <summary>The most terms of a block.</summary>
    public int Most => _fits.Values.SelectMany(f => f.BlockTerms).DefaultIfEmpty(0).Max();

    /// <summary>Fits the layers of 2 bits; null where the scheme has no terms.</summary>
    /// <param name="graph">The clean float network.</param>
    /// <param name="layers">The plan of its layers.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="moments">Of the layers' inputs; null to count all layers alike.</param>
    /// <param name="cancellationToken">Looked at before each term.</param>
    public static TernaryTermPlan? Of(Graph graph, ImmutableArray<LayerPlan> layers, QuantizationScheme scheme, InputMoments? moments, CancellationToken cancellationToken = default)
    {
        if (scheme.TernaryTerms is not { } terms)
        {
            return null;
        }

        Node[] nodes = [.. layers.Where(l => !l.IsFloat && l.WeightBits == TermBits).Select(l => graph.Nodes.First(n => n.Name == l.Name))];
        ImmutableArray<TernaryTermFit> fits = TernaryTermFitter.Fit([.. nodes.Select(n => Layer(graph, n, terms, moments))], terms, cancellationToken);
        var plan = new TernaryTermPlan();
        for (int i = 0; i < nodes.Length; i++)
        {
            plan._fits[nodes[i].Name] = fits[i];
        }

        return plan;
    }

    /// <summary>The terms of a layer, or none.</summary>
    public ImmutableArray<WeightPlane> PlanesOf(LayerPlan layer) => _fits.TryGetValue(layer.Name, out TernaryTermFit? fit) ? fit.Planes : [];

    /// <summary>A layer's outcome, with its terms told.</summary>
    public LayerOutcome Explain(LayerOutcome layer)
    {
        if (!_fits.TryGetValue(layer.Name, out TernaryTermFit? fit))
        {
            return layer;
        }

        int extra = fit.BlockTerms.Sum() - fit.BlockTerms.Length;
        string text = FormattableString.Invariant($"ternary terms, {fit.BlockTerms.Length} blocks with {extra} extra terms, {fit.Planes.Length} in the richest");
        return layer with { Reason = layer.Reason.Length > 0 ? $"{text}: {layer.Reason}" : text };
    }

    private static TernaryTermLayer Layer(Graph graph, Node node, TernaryTerms terms, InputMoments? moments)
        => new(node.Name, graph.ConstantOf(node.Inputs[1]), moments?.EnergyOf(node) ?? 1, node is Convolution { Groups: > 1 } ? 0 : terms.BlockChannels);
}
