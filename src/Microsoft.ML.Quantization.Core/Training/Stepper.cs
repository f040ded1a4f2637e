using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training.Rules;

namespace Microsoft.ML.Quantization.Training;

/// <summary>What happens to the constants after a way back: decay, shortening of the gradient, the optimizer, and the running statistics.</summary>
internal sealed class Stepper
{
    private readonly TrainingOptions _options;
    private readonly WorkerPool _pool;
    private readonly Dictionary<string, ParameterGroup> _groups = new(StringComparer.Ordinal);
    private readonly (int Node, string Mean, string Variance)[] _statistics;
    private readonly QuantizerSteps _quantizers;
    private readonly HashSet<string> _scales;

    public Stepper(Graph graph, TrainingOptions options, TrainingState state, WorkerPool pool)
    {
        _options = options;
        _pool = pool;
        string[] names = [.. state.Slots.Keys];
        foreach (ParameterGroup group in options.Groups)
        {
            foreach (string name in LayerPattern.Match(group.Pattern, names))
            {
                _groups.TryAdd(name, group);
            }
        }

        _quantizers = new QuantizerSteps(graph);
        foreach (ParameterGroup group in _quantizers.Groups)
        {
            _groups.TryAdd(group.Pattern, group);
        }

        _scales = graph.Nodes.OfType<Graphs.Nodes.BatchNormalization>().Select(n => graph[n.Inputs[1]].Name).ToHashSet(StringComparer.Ordinal);
        HashSet<string> measured = TrainableConstants.Statistics(graph);
        _statistics = [.. graph.Nodes.Select((n, i) => (n, i)).Where(p => p.n is Graphs.Nodes.BatchNormalization && measured.Contains(graph[p.n.Inputs[3]].Name))
            .Select(p => (p.i, graph[p.n.Inputs[3]].Name, graph[p.n.Inputs[4]].Name))];
    }

    /// <summary>The Euclidean norm of all gradients: one sum of squares a constant, added in order.</summary>
    public static float Norm(TrainingState state, Dictionary<string, Tensor> gradients)
    {
        float sum = 0;
        foreach (string name in state.Slots.Keys)
        {
            sum += gradients.TryGetValue(name, out Tensor? gradient) ? FloatReduction.SumSquares(gradient.Values<float>()) : 0;
        }

        return MathF.Sqrt(sum);
    }

    /// <summary>Steps every constant that has a gradient.</summary>
    public void Step(TrainingState state, Dictionary<string, Tensor> gradients, float norm, float rate, MethodContext place)
    {
        Dictionary<string, float[]> before = _quantizers.Remember(state.Constants);
        float factor = norm > _options.LargestGradientNorm ? _options.LargestGradientNorm / norm : 1;
        foreach ((string name, float[][] slots) in state.Slots)
        {
            ParameterGroup group = _groups.GetValueOrDefault(name) ?? new ParameterGroup(name, 1, _options.Decay);
            if (gradients.TryGetValue(name, out Tensor? gradient) && group.RateFactor != 0)
            {
                Step(state.Constants[name], gradient, slots, (factor, group.Decay, _scales.Contains(name) ? _options.ScalePenalty : 0, rate * group.RateFactor, state.Step + 1));
            }
        }

        _quantizers.After(state, before, place, _pool);
    }

    /// <summary>running = fl(running + weight·(batch − running)); the variance of a batch counts M − 1.</summary>
    public void Measure(ForwardPass pass, Dictionary<string, Tensor> constants, float weight)
    {
        foreach ((int node, string mean, string variance) in _statistics)
        {
            var found = (BatchNormalizationGradient.Statistics)pass.Saved[node]!;
            float unbiased = found.Count > 1 ? found.Count / (found.Count - 1f) : 1;
            Move(constants[mean].Writable<float>(), found.Mean, 1, weight);
            Move(constants[variance].Writable<float>(), found.Variance, unbiased, weight);
        }
    }

    /// <summary>Takes over what quantizers measured.</summary>
    public void MeasureQuantizers(ForwardPass pass, Dictionary<string, Tensor> constants) => _quantizers.Measure(pass, constants);

    /// <summary>Whether the graph has statistics to measure.</summary>
    public bool HasStatistics => _statistics.Length > 0;

    private static void Move(Span<float> running, float[] batch, float factor, float weight)
    {
        for (int i = 0; i < running.Length; i++)
        {
            running[i] += weight * ((batch[i] * factor) - running[i]);
        }
    }

    private void Step(Tensor constant, Tensor gradient, float[][] slots, (float Factor, float Decay, float Penalty, float Rate, long Step) how)
    {
        // Every value is stepped on its own, so shares of any size give the same bits.
        Shares.Run(_pool, constant.Shape.Count, 16384, (_options.Optimizer, constant, gradient, slots, how), static (w, begin, end) =>
        {
            Span<float> values = w.constant.Writable<float>()[begin..end];
            float[] full = w.gradient.Values<float>()[begin..end].ToArray();
            for (int i = 0; i < full.Length; i++)
            {
                full[i] = (full[i] * w.how.Factor) + (w.how.Decay * values[i]) + (w.how.Penalty == 0 || values[i] == 0 ? 0 : MathF.CopySign(w.how.Penalty, values[i]));
            }

            w.Optimizer.Step(values, full, [.. w.slots.Select(s => s.AsMemory(begin, end - begin))], w.how.Rate, w.how.Step);
        });
    }
}
