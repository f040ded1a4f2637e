using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training.Rules;

namespace Microsoft.ML.Quantization.Training;

/// <summary>What a step does for quantizers beside the optimizer: measured parameters, lower bounds of learned ones, and what methods do to weights behind a step.</summary>
internal sealed class QuantizerSteps(Graph graph)
{
    private readonly (LearnedQuantize Node, int Index)[] _nodes = [.. graph.Nodes.Select((n, i) => (Node: n as LearnedQuantize, i)).Where(p => p.Node is not null).Select(p => (p.Node!, p.i))];

    /// <summary>Rates and decays of learned parameters, and no decay for weights whose method takes none.</summary>
    public IEnumerable<ParameterGroup> Groups => _nodes.SelectMany(n => n.Node.Method.Parameters.Select((p, i) => (p, Name: NameOf(n.Node, i + 1))))
        .Where(p => p.p.Role == ParameterRole.Learned).Select(p => new ParameterGroup(p.Name, p.p.RateFactor, p.p.Decay))
        .Concat(_nodes.Where(n => n.Node is { Site: QuantizerSites.Weights, Method.TakesDecay: false }).Select(n => new ParameterGroup(graph[QuantizedWeights.Latent(graph, n.Node)].Name)));

    /// <summary>Takes over measured parameters.</summary>
    public void Measure(ForwardPass pass, Dictionary<string, Tensor> constants)
    {
        foreach ((LearnedQuantize node, int index) in _nodes)
        {
            float[]?[] measured = (pass.Saved[index] as LearnedQuantizeGradient.State)?.Measured ?? [];
            for (int i = 0; i < measured.Length; i++)
            {
                if (measured[i] is { } values)
                {
                    values.CopyTo(constants[NameOf(node, i + 1)].Writable<float>());
                }
            }
        }
    }

    /// <summary>Copies of the weights that a method will look at behind the step, by name.</summary>
    public Dictionary<string, float[]> Remember(Dictionary<string, Tensor> constants) => _nodes.Where(n => n.Node.Method.ActsAfterStep)
        .Select(n => NameOf(n.Node, 0)).Where(constants.ContainsKey).Distinct(StringComparer.Ordinal).ToDictionary(n => n, n => constants[n].Values<float>().ToArray(), StringComparer.Ordinal);

    /// <summary>Keeps learned parameters above their bounds, then lets methods change their weights.</summary>
    /// <param name="state">Constants and what the optimizer remembers of them.</param>
    /// <param name="before">Weights before the step.</param>
    /// <param name="place">The place of the step.</param>
    /// <param name="pool">Threads.</param>
    public void After(TrainingState state, Dictionary<string, float[]> before, MethodContext place, WorkerPool pool)
    {
        Dictionary<string, Tensor> constants = state.Constants;
        Bound(constants);
        foreach ((LearnedQuantize node, _) in _nodes)
        {
            if (before.TryGetValue(NameOf(node, 0), out float[]? old))
            {
                Tensor[] inputs = [.. node.Inputs.Select(v => constants.GetValueOrDefault(graph[v].Name) ?? graph.ConstantOf(v))];
                string name = NameOf(node, 0);
                node.Method.AfterStep(node.Call(inputs, place, pool) with { Curvature = state.SecondMoments(name), Mask = state.MaskOf(name) }, old, inputs[0].Writable<float>());
            }
        }
    }

    /// <summary>Keeps learned parameters above their bounds.</summary>
    public void Bound(Dictionary<string, Tensor> constants)
    {
        foreach ((LearnedQuantize node, _) in _nodes)
        {
            for (int i = 0; i < node.Method.Parameters.Length; i++)
            {
                Bound(constants, NameOf(node, i + 1), node.Method.Parameters[i].Minimum);
            }
        }
    }

    private static void Bound(Dictionary<string, Tensor> constants, string name, float minimum)
    {
        if (!float.IsNegativeInfinity(minimum) && constants.TryGetValue(name, out Tensor? parameter))
        {
            foreach (ref float value in parameter.Writable<float>())
            {
                value = value < minimum ? minimum : value;
            }
        }
    }

    private string NameOf(LearnedQuantize node, int input) => graph[node.Inputs[input]].Name;
}
