using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// A float network trained beside the quantized one on the same batches (Zhuang et al., 2018, "guided"): both losses gain λ·R, R = Σ over hints of ½·mean (φ − Q(φ_F))², φ the quantized
/// activations, φ_F the same value of the float network behind the same quantizer Q. Both networks learn from R; the float one through Q's own gradient.
/// </summary>
/// <param name="Network">The float network, with the names of the quantized one.</param>
/// <param name="Hints">Values whose quantized form is compared: inputs of activation quantizers, usually those of the last layers.</param>
/// <param name="Weight">λ, from 0.</param>
/// <param name="IsFrozen">Whether the float network stays as it is (hints of a fixed teacher).</param>
public sealed record Guide(Graph Network, ImmutableArray<string> Hints, float Weight = 0.1f, bool IsFrozen = false);

/// <summary>The float network at work beside a run.</summary>
internal sealed class GuideSteps
{
    private readonly Guide _guide;
    private readonly TrainingOptions _options;
    private readonly ReverseMode _reverse;
    private readonly TrainingState _state;
    private readonly Stepper _stepper;
    private readonly WorkerPool _pool;
    private readonly (LearnedQuantize Node, string Value, string Quantized, string[] Parameters)[] _hints;

    /// <summary>Prepares; groups of constants in the options concern the quantized network alone.</summary>
    /// <exception cref="QuantizationException">InvalidOptions: λ out of range, or a checkpoint, which holds one network only. UnknownLayer: a hint without quantizer, or not in both networks.</exception>
    public GuideSteps(Guide guide, Graph student, TrainingOptions options, KernelSet kernels, WorkerPool pool)
    {
        if (!(guide.Weight >= 0) || !float.IsFinite(guide.Weight) || options.CheckpointPath is not null)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{nameof(Guide)}: expected a weight from 0 and no checkpoint, found {guide.Weight} and '{options.CheckpointPath}'."));
        }

        _hints = [.. guide.Hints.Select(name => Find(guide.Network, student, name))];
        (_guide, _options, _pool) = (guide, options, pool);
        _reverse = new ReverseMode(guide.Network, TrainingRun.Logits(guide.Network, options.Loss), kernels, pool);
        _state = new TrainingState(guide.Network, options.Optimizer);
        _stepper = new Stepper(guide.Network, options with { Groups = [] }, _state, pool);
    }

    /// <summary>The float network as it is now.</summary>
    public Graph Network => TrainableConstants.Replace(_guide.Network, TrainingState.Copy(_state.Constants));

    /// <summary>One step of the float network.</summary>
    /// <param name="batch">Inputs and targets of the step.</param>
    /// <param name="student">The quantized network's way forward.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="place">Where in the run the step stands.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>λ·R, and its gradients for values of the quantized network; λ·R is not finite when the float network diverged.</returns>
    public (float Loss, Dictionary<string, Tensor> Gradients) Step((Tensor Input, float[] Targets) batch, ForwardPass student, float rate, StepPlace place, CancellationToken cancellationToken)
    {
        using ForwardPass pass = _reverse.Forward([batch.Input], _state.Constants, training: !_guide.IsFrozen, cancellationToken: cancellationToken, place: place);
        var here = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var there = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        double loss = 0;
        foreach ((LearnedQuantize node, string value, string quantized, string[] parameters) in _guide.Weight > 0 ? _hints : [])
        {
            MethodCall call = node.Call([pass[value], .. parameters.Select(p => student[p])], place.Context, _pool);
            (double part, here[quantized], there[value]) = Compare(node.Method, call, student[quantized], _guide.Weight);
            loss += part;
        }

        if (!_guide.IsFrozen)
        {
            LossValue own = Losses.Of(_options.Loss, pass[_reverse.OutputName], batch.Targets, _options.LabelSmoothing);
            Dictionary<string, Tensor> gradients = _reverse.Backward(pass, own.Gradient, there);
            float norm = Stepper.Norm(_state, gradients);
            if (!float.IsFinite(norm))
            {
                return (float.NaN, here);
            }

            _stepper.Measure(pass, _state.Constants, _options.StatisticsMomentum);
            _stepper.Step(_state, gradients, norm, rate, place.Context);
            _state.Step++;
        }

        return ((float)loss, here);
    }

    /// <summary>λ·½·mean (φ − Q(x))² and its gradients for φ and, through Q, for x.</summary>
    /// <param name="method">Q.</param>
    /// <param name="call">x, and Q's parameters.</param>
    /// <param name="found">φ.</param>
    /// <param name="weight">λ.</param>
    internal static (double Loss, Tensor OfFound, Tensor OfValues) Compare(QuantizationMethod method, MethodCall call, Tensor found, float weight)
    {
        Tensor wanted = Tensor.Allocate(ElementType.Float32, found.Shape);
        object? prepared = method.Prepare(call);
        MethodShares.Forward(method, call, prepared, wanted, training: false);
        Tensor own = Tensor.Allocate(ElementType.Float32, found.Shape);
        Tensor back = Tensor.Allocate(ElementType.Float32, found.Shape);
        Span<float> g = own.Writable<float>();
        Span<float> opposite = wanted.Writable<float>();
        float scale = weight / g.Length;
        double sum = 0;
        for (int i = 0; i < g.Length; i++)
        {
            float difference = found.Values<float>()[i] - opposite[i];
            sum += (double)difference * difference;
            (g[i], opposite[i]) = (scale * difference, -scale * difference);
        }

        MethodShares.Backward(method, call, prepared, wanted, back);
        return (weight * sum / (2 * g.Length), own, back);
    }

    private static (LearnedQuantize Node, string Value, string Quantized, string[] Parameters) Find(Graph network, Graph student, string name)
    {
        LearnedQuantize? node = student.Nodes.OfType<LearnedQuantize>().FirstOrDefault(n => n.Site == QuantizerSites.Activations && student[n.Inputs[0]].Name == name);
        bool isGood = node is not null && network.TryFind(name, out ValueId id) && network[id].Constant is null && network[id].Type.Shape.Equals(student[node.Inputs[0]].Type.Shape);
        return isGood
            ? (node!, name, student[node!.Output].Name, [.. node.Inputs.Skip(1).Select(i => student[i].Name)])
            : throw new QuantizationException(QuantizationErrorCode.UnknownLayer, $"{nameof(Guide)}: expected a value of both networks, of one shape, that an activation quantizer reads, found '{name}'.");
    }
}
