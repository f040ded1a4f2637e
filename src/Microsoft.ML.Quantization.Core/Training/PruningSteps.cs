using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Pruning in a run: masks of the weights (1 = kept, 0 = gone), applied to gradients and, behind each step, to the latent weights. Quantizers come behind the mask, so each must map 0 to 0.
/// </summary>
internal sealed class PruningSteps
{
    private readonly TrainingState _state;
    private readonly (string Name, MagnitudePruning Rule)[] _rules;

    /// <summary>Finds what the rules prune; fresh masks stand in the state.</summary>
    /// <exception cref="QuantizationException">UnknownLayer: a pattern fits nothing. InvalidOptions: a pruned constant has a quantizer without the level 0.</exception>
    public PruningSteps(Graph graph, TrainingOptions options, TrainingState state)
    {
        _state = state;
        var rules = new Dictionary<string, MagnitudePruning>(StringComparer.Ordinal);
        string[] names = [.. state.Slots.Keys];
        foreach (MagnitudePruning rule in options.Pruning)
        {
            foreach (string name in LayerPattern.Match(rule.Pattern, names))
            {
                rules.TryAdd(name, rule);
            }
        }

        _rules = [.. rules.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => (r.Key, r.Value))];
        foreach ((string name, _) in _rules)
        {
            CheckZero(graph, name);
            var mask = new float[state.Constants[name].Shape.Count];
            Array.Fill(mask, 1);
            state.Masks[name] = mask;
        }
    }

    /// <summary>The first step behind which all rules have come to their ends.</summary>
    public long LastStep(long steps) => _rules.Length == 0 ? 0 : _rules.Max(r => r.Rule.LastStep(steps));

    /// <summary>dw = m·g.</summary>
    public void Mask(Dictionary<string, Tensor> gradients)
    {
        foreach ((string name, _) in _rules)
        {
            if (gradients.TryGetValue(name, out Tensor? gradient))
            {
                Apply(_state.Masks[name], gradient.Writable<float>());
            }
        }
    }

    /// <summary>Prunes more where it is time, then sets what is gone to 0.</summary>
    public void After(long step, long steps)
    {
        foreach ((string name, MagnitudePruning rule) in _rules)
        {
            float[] mask = _state.Masks[name];
            Span<float> weights = _state.Constants[name].Writable<float>();
            int wanted = Math.Min(weights.Length - 1, MagnitudePruning.CountOf(rule.SparsityAt(step, steps), weights.Length));
            int more = wanted - mask.Count(m => m == 0);
            if (more > 0)
            {
                float[] sizes = [.. weights.ToArray().Select(MathF.Abs)];
                foreach (int i in Enumerable.Range(0, mask.Length).Where(i => mask[i] != 0).OrderBy(i => sizes[i]).ThenBy(i => i).Take(more))
                {
                    mask[i] = 0;
                }
            }

            Apply(mask, weights);
        }
    }

    private static void Apply(float[] mask, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = mask[i] != 0 ? values[i] : 0;
        }
    }

    private static void CheckZero(Graph graph, string name)
    {
        foreach (LearnedQuantize node in graph.Nodes.OfType<LearnedQuantize>().Where(n => graph[QuantizedWeights.Latent(graph, n)].Name == name))
        {
            Tensor[] inputs = [QuantizedWeights.Values(graph, node)!, .. node.Inputs.Skip(1).Select(graph.ConstantOf)];
            inputs[0] = Tensor.Create(inputs[0].Shape, inputs[0].Values<float>());
            inputs[0].Writable<float>()[0] = 0;
            Tensor hard = Tensor.Allocate(ElementType.Float32, inputs[0].Shape);
            node.Evaluate(inputs, hard, WorkerPool.Single);
            QuantizationMethod method = node.Method;
            if (hard.Values<float>()[0] != 0)
            {
                throw new QuantizationException(
                    QuantizationErrorCode.InvalidOptions, $"Pruning of '{name}': expected a quantizer that has the level 0, found {method.Name} with {method.Bits} bits. Take a method with a level at 0, or leave these weights out of the pattern.");
            }
        }
    }
}
