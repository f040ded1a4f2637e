using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Which layers with weights and inputs of 1 or 2 bits run on bit planes, and why the others do not.</summary>
internal sealed class PlaneChoice
{
    // A product of two planes costs about a quarter of a product of bytes on every kernel set measured; bits behind the last channel cost as much as the others.
    private const int ProductsPerByte = 4;
    private readonly HashSet<string> _layers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _reasons = new(StringComparer.Ordinal);

    /// <summary>Decides for an integer graph whose activation codes are unsigned.</summary>
    public PlaneChoice(Graph graph, PlanePolicy policy)
    {
        Policy = policy;
        foreach (Node node in graph.Nodes.Where(n => n is IntegerConvolution or IntegerDense))
        {
            if (graph[node.Inputs[0]].Type.Quantization is not { Code.Bits.Bits: <= PlaneLayout.MostBits } || graph[node.Inputs[0]].Constant is not null)
            {
                continue;
            }

            if (Obstacle(graph, node, policy) is { } reason)
            {
                _reasons[node.Name] = reason;
            }
            else
            {
                _layers.Add(node.Name);
            }
        }
    }

    /// <summary>The policy.</summary>
    public PlanePolicy Policy { get; }

    /// <summary>Whether a node is a layer that runs on planes.</summary>
    public bool Has(Node node) => _layers.Contains(node.Name);

    /// <summary>Why a layer with an input of 1 or 2 bits does not run on planes; empty for others.</summary>
    public string Reason(Node node) => _reasons.GetValueOrDefault(node.Name, string.Empty);

    private static string? Obstacle(Graph graph, Node node, PlanePolicy policy)
    {
        AffineQuantization input = graph[node.Inputs[0]].Type.Quantization!;
        Shape shape = graph[node.Inputs[0]].Type.Shape;
        bool fits = !input.Code.Signed && Layouts.CanBePlanes(shape) && (node is IntegerConvolution || shape.Rank == 2) && !graph.Inputs.Contains(node.Inputs[0]);
        if (!fits)
        {
            return "its input cannot lie in planes";
        }

        if (graph[node.Inputs[1]] is not { Constant: { } codes, Type.Quantization: { } quantizer } || IntegerWeights.TryCreate(codes, quantizer) is not { } weights || PlaneWeightCodes.Of(weights.Values) is not { } kind)
        {
            return "its weights have more than 2 bits";
        }

        int groups = node is IntegerConvolution convolution ? convolution.Groups : 1;
        int channels = shape[1] / groups;
        if (groups > 1 && channels % PlaneLayout.WordBits != 0)
        {
            return "its groups do not begin at words of 32 channels";
        }

        int pairs = input.Code.Bits.Bits * (kind.Kind == PlaneKind.Ternary ? 1 : kind.Bits);
        bool pays = pairs * PlaneLayout.WordBits * PlaneLayout.Words(channels) <= ProductsPerByte * channels;
        string few = string.Create(CultureInfo.InvariantCulture, $"its {channels} input channels fill too little of words of {PlaneLayout.WordBits} for {pairs} pairs of planes");
        return policy switch
        {
            PlanePolicy.Always => null,
            PlanePolicy.Never => "planes are switched off",
            _ => pays ? null : few,
        };
    }
}
