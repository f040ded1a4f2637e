using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Which layers with weights and inputs of 1 or 2 bits run on bit planes, and why the others do not: those that bytes are not expected to be faster for, as the throughput table says.</summary>
internal sealed class PlaneChoice
{
    // Planes take less memory, so that bytes must be faster by more than the noise of a table.
    private const double Margin = 0.97;

    private readonly HashSet<string> _layers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _reasons = new(StringComparer.Ordinal);
    private readonly HashSet<ValueId> _given;
    private readonly Graph _graph;
    private readonly KernelChooser _chooser;
    private readonly long _modelBytes;

    /// <summary>Decides for an integer graph whose activation codes are unsigned.</summary>
    public PlaneChoice(Graph graph, PlanePolicy policy, KernelChooser chooser)
    {
        (_graph, _chooser, Policy) = (graph, chooser, policy);
        _modelBytes = NarrowPacking.ModelBytes(graph);
        _given = GivenCodes.Of(graph);
        foreach (Node node in graph.Nodes.Where(n => n is IntegerConvolution or IntegerDense))
        {
            if (graph[node.Inputs[0]].Type.Quantization is not { Code.Bits.Bits: <= PlaneLayout.MostBits } || graph[node.Inputs[0]].Constant is not null)
            {
                continue;
            }

            if (Obstacle(node) is { } reason)
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

    private string? Obstacle(Node node)
    {
        AffineQuantization input = _graph[node.Inputs[0]].Type.Quantization!;
        Shape shape = _graph[node.Inputs[0]].Type.Shape;
        bool fits = !input.Code.Signed && Layouts.CanBePlanes(shape) && (node is IntegerConvolution || shape.Rank == 2) && !_given.Contains(node.Inputs[0]);
        if (!fits)
        {
            return "its input cannot lie in planes";
        }

        if (_graph[node.Inputs[1]] is not { Constant: { } codes, Type.Quantization: { } quantizer } || IntegerWeights.TryCreate(codes, quantizer) is not { } weights || PlaneWeightCodes.Of(weights.Values) is not { } kind)
        {
            return "its weights have more than 2 bits";
        }

        int groups = node is IntegerConvolution convolution ? convolution.Groups : 1;
        if (groups > 1 && shape[1] / groups % PlaneLayout.WordBits != 0)
        {
            return "its groups do not begin at words of 32 channels";
        }

        return Policy switch
        {
            PlanePolicy.Always => null,
            PlanePolicy.Never => "planes are switched off",
            _ => Slower(node, input, kind),
        };
    }

    /// <summary>Why bytes do a layer better, in times expected of one row of the model, or null.</summary>
    private string? Slower(Node node, AffineQuantization input, PlaneWeightCodes kind)
    {
        ConvolutionGeometry one = Sizes(node);
        var geometry = new PlaneGeometry(one, input.IsMidRise ? PlaneKind.MidRise : PlaneKind.Unsigned, input.Code.Bits.Bits, kind.Kind, kind.Bits);
        var planeWork = KernelWork.Of(geometry);
        var byteWork = KernelWork.Of(KernelOperation.ConvolutionByte, 8, one);
        long weights = (long)one.OutChannels * one.Depth;
        var planes = new WeightedWork(_chooser.Choose(planeWork).Set, planeWork, weights * kind.Bits / 8);
        var bytes = new WeightedWork(_chooser.Choose(byteWork).Set, byteWork, weights);
        return _chooser.IsFaster(bytes, planes, _modelBytes, Margin)
            ? string.Create(CultureInfo.InvariantCulture, $"counting the bits of {one.GroupInChannels} input channels in words of {PlaneLayout.WordBits} for each of {planeWork.PlanePairs} pairs of planes is expected to take longer")
            : null;
    }

    private ConvolutionGeometry Sizes(Node node)
    {
        Shape input = _graph[node.Inputs[0]].Type.Shape.Bind(1);
        return node is IntegerConvolution convolution
            ? Geometry.Convolution(convolution.Window, convolution.Groups, input, _graph[node.Output].Type.Shape.Bind(1))
            : ConvolutionGeometry.Dense(input[0], input[1], _graph[node.Inputs[1]].Type.Shape[0]);
    }
}
