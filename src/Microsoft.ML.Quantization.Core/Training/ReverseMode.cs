using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
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
/// <param name="Mask">The mask of a pruned constant, by name.</param>
internal sealed record StepPlace(MethodContext Context, Func<string, ReadOnlyMemory<float>> Curvature, Func<string, ReadOnlyMemory<float>> Mask);

/// <summary>
/// Runs a graph forward, keeping what the way back needs, and back. Trainable constants are read from a table by name, so that a step need not build a new graph.
/// A value's gradient is the sum over the nodes that read it, last node first. Activations stay channels-last from one node to the next where both can; memory passes from
/// one disposed pass to the next. For one thread.
/// </summary>
internal sealed class ReverseMode
{
    private readonly Graph _graph;
    private readonly KernelSet _kernels;
    private readonly WorkerPool _pool;
    private readonly MemoryStore _store = new();
    private readonly Dictionary<int, BoundTraining> _bound = [];

    /// <summary>Prepares a graph; <paramref name="output"/> is the value whose gradient will be given.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnsupportedOperator"/>: nodes between a trainable constant and the output have no gradient rule; all are listed.</exception>
    public ReverseMode(Graph graph, ValueId output, KernelSet kernels, WorkerPool pool)
    {
        _graph = graph;
        _kernels = kernels;
        _pool = pool;
        OutputName = graph[output].Name;
        bool[] needed = BoundTraining.FindNeeded(graph);
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
    /// <param name="place">Where in the run the step stands, or null outside one.</param>
    /// <param name="cancellationToken">Looked at before each node.</param>
    public ForwardPass Forward(
        IReadOnlyList<Tensor> inputs, IReadOnlyDictionary<string, Tensor> parameters, bool training, Dropout? dropout = null, StepPlace? place = null, CancellationToken cancellationToken = default)
    {
        BoundTraining bound = Bind(inputs[0].Shape.Rank > 0 ? inputs[0].Shape[0] : 1);
        Graph graph = bound.Graph;
        var pass = new ForwardPass(bound, _pool, new StepMemory(_store));
        for (int i = 0; i < graph.Values.Length; i++)
        {
            Tensor? constant = parameters.GetValueOrDefault(graph.Values[i].Name) ?? graph.Values[i].Constant;
            pass.Values[i] = constant is null ? null : new LaidValue(constant, false);
        }

        for (int i = 0; i < inputs.Count; i++)
        {
            pass.Values[graph.Inputs[i].Index] = new LaidValue(inputs[i], false);
        }

        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            pass.Saved[i] = Step(pass, i, training, place);
            Drop(pass, graph.Nodes[i], dropout);
        }

        return pass;
    }

    /// <summary>Runs back from the gradient of the output; gives the gradients of the trainable constants by name, which live as long as the pass.</summary>
    /// <param name="pass">What <see cref="Forward"/> gave.</param>
    /// <param name="gradient">∂loss/∂output.</param>
    /// <param name="extra">Gradients that values have besides, by name; null for none.</param>
    /// <param name="observer">Called with each value's name and its full gradient, in any order of its elements, last value first; null for none.</param>
    public Dictionary<string, Tensor> Backward(ForwardPass pass, Tensor gradient, IReadOnlyDictionary<string, Tensor>? extra = null, Action<string, Tensor>? observer = null)
    {
        Graph graph = pass.Graph;
        bool[] needed = pass.Bound.Needed;
        var gradients = new LaidValue?[graph.Values.Length];
        graph.TryFind(OutputName, out ValueId output);
        gradients[output.Index] = new LaidValue(gradient, false);
        foreach ((string name, Tensor more) in extra ?? ReadOnlyDictionary<string, Tensor>.Empty)
        {
            graph.TryFind(name, out ValueId value);
            Add(pass, gradients, value.Index, new LaidValue(more, false), []);
        }

        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            if (HasGradient(graph.Nodes[i], gradients, needed))
            {
                Back(pass, i, gradients, observer);
            }
        }

        var result = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        for (int i = 0; i < gradients.Length; i++)
        {
            if (graph.Values[i].IsTrainable && gradients[i] is { } found)
            {
                result.Add(graph.Values[i].Name, found.In(false, _pool, pass.Memory));
            }
        }

        return result;
    }

    private static bool HasGradient(Node node, LaidValue?[] gradients, bool[] needed)
    {
        foreach (ValueId output in node.Outputs)
        {
            if (gradients[output.Index] is not null && needed[output.Index])
            {
                return true;
            }
        }

        return false;
    }

    private object? Step(ForwardPass pass, int index, bool training, StepPlace? place)
    {
        Node node = pass.Graph.Nodes[index];
        GradientRule? rule = pass.Bound.Rules[index];
        bool last = pass.Bound.IsChannelsLast[index];
        var outputs = new Tensor[node.Outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            Graphs.ValueType type = pass.Graph[node.Outputs[i]].Type;
            outputs[i] = pass.Memory.Rent(type.Element, type.Shape);
            pass.Values[node.Outputs[i].Index] = new LaidValue(outputs[i], last);
        }

        var call = new OperatorCall(pass.Graph, node, Inputs(pass, node, rule, last), outputs, _kernels, _pool) { IsChannelsLast = last, Memory = pass.Memory };
        if (rule is null)
        {
            FastOperators.Run(call);
            return null;
        }

        if (training && rule.HasForward(pass.Graph, node))
        {
            return rule.Forward(place is null ? call : call with { Context = place.Context, Curvature = place.Curvature, Mask = place.Mask });
        }

        rule.Evaluate(call);
        return null;
    }

    private static Tensor[] Inputs(ForwardPass pass, Node node, GradientRule? rule, bool last)
    {
        var inputs = new Tensor[node.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = pass.Value(node.Inputs[i], last && rule!.IsActivation(i));
        }

        return inputs;
    }

    private void Drop(ForwardPass pass, Node node, Dropout? dropout)
    {
        if (dropout is null)
        {
            return;
        }

        foreach (ValueId output in node.Outputs)
        {
            LaidValue written = pass.Values[output.Index]!;
            if (dropout.Factors(pass.Graph[output].Name, written.Any.Shape) is { } factors)
            {
                pass.Dropped[output.Index] = (written, factors);
                pass.Values[output.Index] = new LaidValue(Dropout.Apply(written.In(false, _pool, pass.Memory), factors), false);
            }
        }
    }

    private void Back(ForwardPass pass, int index, LaidValue?[] gradients, Action<string, Tensor>? observer)
    {
        Node node = pass.Graph.Nodes[index];
        GradientRule rule = pass.Bound.Rules[index]!;
        bool last = pass.Bound.IsChannelsLast[index];
        var consumed = new LaidValue?[node.Outputs.Length];
        var outputGradients = new Tensor?[node.Outputs.Length];
        var outputs = new Tensor[node.Outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            int value = node.Outputs[i].Index;
            consumed[i] = Take(pass, value, gradients, observer);
            outputGradients[i] = consumed[i]?.In(last, _pool, pass.Memory);
            outputs[i] = (pass.Dropped.TryGetValue(value, out var d) ? d.Written : pass.Values[value]!).In(last, _pool, pass.Memory);
        }

        var wanted = new bool[node.Inputs.Length];
        for (int i = 0; i < wanted.Length; i++)
        {
            wanted[i] = pass.Bound.Needed[node.Inputs[i].Index];
        }

        var call = new GradientCall(node, Inputs(pass, node, rule, last), outputs, outputGradients, wanted, pass.Saved[index], _kernels, _pool, pass.Memory) { IsChannelsLast = last };
        Tensor?[] result = rule.Backward(call);
        var done = new List<LaidValue?>(consumed);
        for (int i = 0; i < result.Length; i++)
        {
            if (result[i] is { } part)
            {
                Add(pass, gradients, node.Inputs[i].Index, new LaidValue(part, last && rule.IsActivation(i)), done);
            }
        }

        Release(pass, done, gradients);
    }

    /// <summary>The full gradient of what a node wrote, taken out of the table.</summary>
    private LaidValue? Take(ForwardPass pass, int value, LaidValue?[] gradients, Action<string, Tensor>? observer)
    {
        LaidValue? gradient = gradients[value];
        gradients[value] = null;
        if (gradient is null)
        {
            return null;
        }

        observer?.Invoke(pass.Graph.Values[value].Name, gradient.Any);
        return pass.Dropped.TryGetValue(value, out var dropped) ? new LaidValue(Dropout.Apply(gradient.In(false, _pool, pass.Memory), dropped.Factors), false) : gradient;
    }

    /// <summary>Gives back the memory of gradients that no value holds any more.</summary>
    private static void Release(ForwardPass pass, List<LaidValue?> done, LaidValue?[] gradients)
    {
        foreach (LaidValue? value in done)
        {
            (Tensor? planar, Tensor? last) = value?.Tensors ?? (null, null);
            Release(pass, planar, gradients);
            Release(pass, last, gradients);
        }
    }

    private static void Release(ForwardPass pass, Tensor? tensor, LaidValue?[] gradients)
    {
        if (tensor is null)
        {
            return;
        }

        foreach (LaidValue? gradient in gradients)
        {
            if (gradient is not null && gradient.Holds(tensor))
            {
                return;
            }
        }

        pass.Memory.Return(tensor);
    }

    private void Add(ForwardPass pass, LaidValue?[] gradients, int value, LaidValue part, List<LaidValue?> done)
    {
        if (gradients[value] is not { } sum)
        {
            gradients[value] = part;
            return;
        }

        // A rule may hand one tensor to two places, so a sum never writes into what it was given.
        Tensor total = pass.Memory.Rent(part.Any.Type, part.Any.Shape);
        bool last = part.Tensors.Planar is null;
        BatchSums.Add(_pool, sum.In(last, _pool, pass.Memory), part.Any, total);
        gradients[value] = new LaidValue(total, last);
        done.Add(sum);
        done.Add(part);
    }

    private BoundTraining Bind(int batch)
    {
        if (!_bound.TryGetValue(batch, out BoundTraining? found))
        {
            found = new BoundTraining(_graph.Bind(batch));
            _bound[batch] = found;
        }

        return found;
    }
}
