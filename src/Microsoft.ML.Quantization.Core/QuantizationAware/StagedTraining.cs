using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>What a run in stages gives.</summary>
/// <param name="Last">The last stage, lowered and verified.</param>
/// <param name="Stages">Every stage; fewer than were asked for when one diverged or was cancelled.</param>
public sealed record StagedResult(QuantizationAwareResult Last, ImmutableArray<TrainingResult> Stages);

/// <summary>Lists of stages for <see cref="QuantizationAwareTrainer.RunStages"/> (Zhuang et al., 2018). Each stage has an optimizer and a schedule of its own.</summary>
public static class StagedTraining
{
    /// <summary>Two stages: weights first, activations in float; then both.</summary>
    /// <param name="options">The second stage; its scheme has both methods.</param>
    /// <param name="first">How the first stage trains; null for the same way.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the scheme leaves one side float.</exception>
    public static ImmutableArray<QuantizationAwareOptions> TwoStage(QuantizationAwareOptions options, TrainingOptions? first = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Scheme.Weights is null || options.Scheme.Activations is null)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(TwoStage)}: expected methods for weights and activations, found {options.Scheme}.");
        }

        // Shifts, offsets and maps belong to signs of activations.
        QuantizationAwareScheme weights = options.Scheme with { Activations = null, HasShifts = false, HasOffsets = false, ScaleMaps = ScaleMaps.None };
        return [Stage(options, weights, first, ".weights"), options];
    }

    /// <summary>One stage a width, each from the constants of the one before, the first from the float network: 8 → 4 → 2 and the like.</summary>
    /// <param name="options">How each stage trains; its methods stand for every width.</param>
    /// <param name="bits">Widths of weights and activations, in order, none twice; each one that both methods have.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidBitWidth"/>, or a method's own errors.</exception>
    public static ImmutableArray<QuantizationAwareOptions> Progressive(QuantizationAwareOptions options, params int[] bits)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(bits);
        return [.. bits.Select(b => Stage(options, AtBits(options.Scheme, b), null, FormattableString.Invariant($".{b}bits")))];
    }

    /// <summary>
    /// Constants that a stage takes over from the last: weights, biases and statistics by name, and the parameters of quantizers that are the same in both. A quantizer at another width
    /// begins anew, because its parameters mean something else.
    /// </summary>
    internal static Dictionary<string, Tensor> Carried(Graph last, Graph next)
    {
        HashSet<string> anew = Parameters(next).Where(p => !Parameters(last).Contains(p)).Select(p => p.Constant).ToHashSet(StringComparer.Ordinal);
        return last.Values.Where(v => v.IsTrainable && v.Constant is not null && !anew.Contains(v.Name)).ToDictionary(v => v.Name, v => v.Constant!, StringComparer.Ordinal);
    }

    private static HashSet<(string Constant, QuantizationMethod Method)> Parameters(Graph graph)
        => [.. graph.Nodes.OfType<LearnedQuantize>().SelectMany(n => n.Inputs.Skip(1).Select(i => (graph[i].Name, n.Method)))];

    private static QuantizationAwareScheme AtBits(QuantizationAwareScheme scheme, int bits) => scheme with
    {
        Weights = scheme.Weights is null ? null : QuantizationMethods.Checked(scheme.Weights.AtBits(bits)),
        Activations = scheme.Activations is null ? null : QuantizationMethods.Checked(scheme.Activations.AtBits(bits)),
    };

    private static QuantizationAwareOptions Stage(QuantizationAwareOptions options, QuantizationAwareScheme scheme, TrainingOptions? training, string suffix)
    {
        training ??= options.Training;
        return options with { Scheme = scheme, Training = training with { CheckpointPath = training.CheckpointPath is { } path && path == options.Training.CheckpointPath ? path + suffix : training.CheckpointPath } };
    }
}
