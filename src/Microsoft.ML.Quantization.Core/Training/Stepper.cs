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
    private const int StepValues = 1024;

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

        (int Node, string Scale, string Mean, string Variance)[] normalizations = [.. graph.Nodes.Select((n, i) => (n, i, First: ScaleOf(n))).Where(p => p.First > 0)
            .Select(p => (p.i, graph[p.n.Inputs[p.First]].Name, graph[p.n.Inputs[p.First + 2]].Name, graph[p.n.Inputs[p.First + 3]].Name))];
        _scales = normalizations.Select(n => n.Scale).ToHashSet(StringComparer.Ordinal);
        HashSet<string> measured = TrainableConstants.Statistics(graph);
        _statistics = [.. normalizations.Where(n => measured.Contains(n.Mean)).Select(n => (n.Node, n.Mean, n.Variance))];
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
        StepAll(state, state.Constants, gradients, norm, rate);
        _quantizers.After(state, before, place, _pool);
    }

    /// <summary>Where plain steps would lead; what methods do to weights behind a step comes with the real one.</summary>
    public Dictionary<string, Tensor> Ahead(TrainingState state, Dictionary<string, Tensor> gradients, float norm, float rate)
    {
        Dictionary<string, Tensor> constants = TrainingState.Copy(state.Constants);
        StepAll(state, constants, gradients, norm, rate);
        _quantizers.Bound(constants);
        return constants;
    }

    private void StepAll(TrainingState state, Dictionary<string, Tensor> constants, Dictionary<string, Tensor> gradients, float norm, float rate)
    {
        float factor = norm > _options.LargestGradientNorm ? _options.LargestGradientNorm / norm : 1;
        foreach ((string name, float[][] slots) in state.Slots)
        {
            ParameterGroup? group = _groups.GetValueOrDefault(name);
            (float size, float decay) = group is null ? (1, _options.Decay) : (group.RateFactor, group.Decay);
            if (gradients.TryGetValue(name, out Tensor? gradient) && size != 0)
            {
                Step(constants[name], gradient, slots, (factor, decay, _scales.Contains(name) ? _options.ScalePenalty : 0, rate * size, state.Step + 1));
            }
        }
    }

    /// <summary>running = fl(running + weight·(batch − running)); the variance of a batch counts M − 1. Batches with one value a channel are left out, and folded normalizations that stand still where a share <paramref name="frozenBy"/> of the run is done.</summary>
    public void Measure(ForwardPass pass, Dictionary<string, Tensor> constants, float weight, double frozenBy = 0)
    {
        foreach ((int node, string mean, string variance) in _statistics)
        {
            if (pass.Graph.Nodes[node] is Graphs.Nodes.FoldedNormalization { FreezeAt: < 1 } folded && frozenBy >= folded.FreezeAt)
            {
                continue;
            }

            // A frozen one has measured nothing; one value a channel (a dense layer's batch of one row) tells nothing of a variance.
            if (pass.Saved[node] is not BatchNormalizationGradient.Statistics { Count: > 1 } found)
            {
                continue;
            }

            float unbiased = found.Count / (found.Count - 1f);
            Move(constants[mean].Writable<float>(), found.Mean, 1, weight);
            Move(constants[variance].Writable<float>(), found.Variance, unbiased, weight);
        }
    }

    /// <summary>Takes over what quantizers measured.</summary>
    public void MeasureQuantizers(ForwardPass pass, Dictionary<string, Tensor> constants) => _quantizers.Measure(pass, constants);

    /// <summary>Whether the graph has statistics to measure.</summary>
    public bool HasStatistics => _statistics.Length > 0;

    /// <summary>Where a normalization has its scale, with shift, mean and variance behind it; 0 for other nodes.</summary>
    private static int ScaleOf(Node node) => node switch
    {
        Graphs.Nodes.BatchNormalization => 1,
        Graphs.Nodes.FoldedNormalization => 2,
        _ => 0,
    };

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
            Span<float> full = stackalloc float[StepValues];
            var slots = new Memory<float>[w.slots.Length];
            for (int first = begin; first < end; first += StepValues)
            {
                int count = Math.Min(StepValues, end - first);
                Span<float> values = w.constant.Writable<float>().Slice(first, count);
                FloatLoops.Map(new WithDecay(w.how.Factor, w.how.Decay), w.gradient.Values<float>().Slice(first, count), values, full[..count]);
                Shrink(w.how.Penalty, values, full);
                for (int slot = 0; slot < slots.Length; slot++)
                {
                    slots[slot] = w.slots[slot].AsMemory(first, count);
                }

                w.Optimizer.Step(values, full[..count], slots, w.how.Rate, w.how.Step);
            }
        });
    }

    /// <summary>gradient += λ·sign(value), 0 at 0.</summary>
    private static void Shrink(float penalty, ReadOnlySpan<float> values, Span<float> gradient)
    {
        for (int i = 0; penalty > 0 && i < values.Length; i++)
        {
            gradient[i] += values[i] == 0 ? 0 : MathF.CopySign(penalty, values[i]);
        }
    }

    /// <summary>fl(fl(factor · gradient) + fl(decay · value)).</summary>
    private readonly struct WithDecay(float factor, float decay) : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => (a * T.Create(factor)) + (T.Create(decay) * b);
    }
}
