using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Where in a run a step stands.</summary>
/// <param name="Context">The place.</param>
/// <param name="Curvature">The optimizer's second moments of a constant, by name.</param>
internal sealed record StepPlace(MethodContext Context, Func<string, ReadOnlyMemory<float>> Curvature);

/// <summary>
/// Runs a graph forward, keeping what the way back needs, and back. Trainable constants are read from a table by name, so that a step need not build a new graph.
/// A value's gradient is the sum over the nodes that read it, last node first.
/// </summary>
internal sealed class ReverseMode
{
    private readonly Graph _graph;
    private readonly KernelSet _kernels;
    private readonly WorkerPool _pool;
    private readonly Dictionary<int, (Graph Graph, bool[] Needed)> _bound = [];

    /// <summary>Prepares a graph; <paramref name="output"/> is the value whose gradient will be given.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnsupportedOperator"/>: nodes between a trainable constant and the output have no gradient rule; all are listed.</exception>
    public ReverseMode(Graph graph, ValueId output, KernelSet kernels, WorkerPool pool)
    {
        _graph = graph;
        _kernels = kernels;
        _pool = pool;
        OutputName = graph[output].Name;
        bool[] needed = Needed(graph);
        string[] missing = [.. graph.Nodes.Where(n => n.Outputs.Any(o => needed[o.Index]) && !GradientRules.TryFind(n, out _)).Select(n => $"'{n.Name}' ({n.Kind})")];
        if (missing.Length > 0)
        {
            throw new QuantizationException(
                QuantizationErrorCode.UnsupportedOperator, $"Training: expected nodes with a gradient rule behind every trainable constant, found none for {string.Join(", ", missing)}. Mark only constants behind these nodes trainable.");
        }
    }

    /// <summary>The name of the value that the loss reads.</summary>
    public string OutputName { get; }

    /// <summary>Runs forward.</summary>
    /// <param name="inputs">One tensor a graph input.</param>
    /// <param name="parameters">Trainable constants by name; others come from the graph.</param>
    /// <param name="training">Whether batch statistics are used.</param>
    /// <param name="dropout">Dropout of this step, or null.</param>
    /// <param name="cancellationToken">Looked at before each node.</param>
    /// <param name="place">Where in the run the step stands, or null outside one.</param>
    public ForwardPass Forward(
        IReadOnlyList<Tensor> inputs, IReadOnlyDictionary<string, Tensor> parameters, bool training, Dropout? dropout = null, CancellationToken cancellationToken = default, StepPlace? place = null)
    {
        (Graph graph, _) = Bind(inputs[0].Shape.Rank > 0 ? inputs[0].Shape[0] : 1);
        var pass = new ForwardPass(graph);
        for (int i = 0; i < graph.Values.Length; i++)
        {
            pass.Values[i] = parameters.GetValueOrDefault(graph.Values[i].Name) ?? graph.Values[i].Constant;
        }

        for (int i = 0; i < inputs.Count; i++)
        {
            pass.Values[graph.Inputs[i].Index] = inputs[i];
        }

        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            pass.Saved[i] = Step(pass, graph.Nodes[i], training, place);
            Drop(pass, graph.Nodes[i], dropout);
        }

        return pass;
    }

    /// <summary>Runs back from the gradient of the output; gives the gradients of the trainable constants by name.</summary>
    /// <param name="pass">What <see cref="Forward"/> gave.</param>
    /// <param name="gradient">∂loss/∂output.</param>
    /// <param name="observer">Called with each value's name and its full gradient, last value first; null for none.</param>
    public Dictionary<string, Tensor> Backward(ForwardPass pass, Tensor gradient, Action<string, Tensor>? observer = null)
    {
        Graph graph = pass.Graph;
        bool[] needed = _bound[pass.Values[graph.Inputs[0].Index]!.Shape[0]].Needed;
        var gradients = new Tensor?[graph.Values.Length];
        graph.TryFind(OutputName, out ValueId output);
        gradients[output.Index] = gradient;
        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            if (node.Outputs.Any(o => gradients[o.Index] is not null && needed[o.Index]))
            {
                Back(pass, i, needed, gradients, observer);
            }
        }

        return graph.Values.Select((v, i) => (v, g: gradients[i])).Where(p => p.v.IsTrainable && p.g is not null).ToDictionary(p => p.v.Name, p => p.g!, StringComparer.Ordinal);
    }

    private object? Step(ForwardPass pass, Node node, bool training, StepPlace? place)
    {
        Tensor[] inputs = [.. node.Inputs.Select(i => pass.Values[i.Index]!)];
        Tensor[] outputs = [.. node.Outputs.Select(o => Tensor.Allocate(pass.Graph[o].Type.Element, pass.Graph[o].Type.Shape))];
        for (int i = 0; i < outputs.Length; i++)
        {
            pass.Values[node.Outputs[i].Index] = outputs[i];
        }

        var call = new OperatorCall(pass.Graph, node, inputs, outputs, _kernels, _pool);
        if (training && GradientRules.TryFind(node, out GradientRule? rule) && rule.HasForward(pass.Graph, node))
        {
            return rule.Forward(place is null ? call : call with { Context = place.Context, Curvature = place.Curvature });
        }

        FastOperators.Run(call);
        return null;
    }

    private static void Drop(ForwardPass pass, Node node, Dropout? dropout)
    {
        foreach (ValueId output in node.Outputs)
        {
            Tensor written = pass.Values[output.Index]!;
            if (dropout?.Factors(pass.Graph[output].Name, written.Shape) is { } factors)
            {
                pass.Dropped[output.Index] = (written, factors);
                pass.Values[output.Index] = Dropout.Apply(written, factors);
            }
        }
    }

    private void Back(ForwardPass pass, int index, bool[] needed, Tensor?[] gradients, Action<string, Tensor>? observer)
    {
        Node node = pass.Graph.Nodes[index];
        var outputGradients = new Tensor?[node.Outputs.Length];
        for (int i = 0; i < outputGradients.Length; i++)
        {
            int value = node.Outputs[i].Index;
            Tensor? gradient = gradients[value];
            outputGradients[i] = gradient is not null && pass.Dropped.TryGetValue(value, out var dropped) ? Dropout.Apply(gradient, dropped.Factors) : gradient;
            gradients[value] = null;
            if (gradient is not null)
            {
                observer?.Invoke(pass.Graph.Values[value].Name, gradient);
            }
        }

        GradientRules.TryFind(node, out GradientRule? rule);
        Tensor[] outputs = [.. node.Outputs.Select(o => pass.Dropped.TryGetValue(o.Index, out var d) ? d.Written : pass.Values[o.Index]!)];
        var call = new GradientCall(
            node, [.. node.Inputs.Select(i => pass.Values[i.Index]!)], outputs, outputGradients, [.. node.Inputs.Select(i => needed[i.Index])], pass.Saved[index], _kernels, _pool);
        Tensor?[] result = rule!.Backward(call);
        for (int i = 0; i < result.Length; i++)
        {
            Add(gradients, node.Inputs[i].Index, result[i]);
        }
    }

    private static void Add(Tensor?[] gradients, int value, Tensor? part)
    {
        if (part is null || gradients[value] is not { } sum)
        {
            gradients[value] = part ?? gradients[value];
            return;
        }

        // A rule may hand one tensor to two places, so a sum never writes into what it was given.
        Tensor total = Tensor.Create(sum.Shape, sum.Values<float>());
        BatchSums.Accumulate(total.Writable<float>(), part.Values<float>());
        gradients[value] = total;
    }

    private (Graph Graph, bool[] Needed) Bind(int batch)
    {
        if (!_bound.TryGetValue(batch, out (Graph Graph, bool[] Needed) found))
        {
            Graph bound = _graph.Bind(batch);
            found = (bound, Needed(bound));
            _bound[batch] = found;
        }

        return found;
    }

    private static bool[] Needed(Graph graph)
    {
        bool[] needed = [.. graph.Values.Select(v => v.IsTrainable)];
        foreach (Node node in graph.Nodes.Where(n => n.Inputs.Any(i => needed[i.Index])))
        {
            foreach (ValueId output in node.Outputs)
            {
                needed[output.Index] = true;
            }
        }

        return needed;
    }
}
