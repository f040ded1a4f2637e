using System;
using System.Globalization;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>How a network is trained with quantizers and handed to the engine.</summary>
public sealed record QuantizationAwareOptions
{
    /// <summary>Which quantizers stand where.</summary>
    public required QuantizationAwareScheme Scheme { get; init; }

    /// <summary>The run.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Rows from which quantizers of activations are set, at most.</summary>
    public int InitialRows { get; init; } = 256;

    /// <summary>Whether the first output becomes probabilities (softmax) behind training, which itself reads the scores.</summary>
    public bool Probabilities { get; init; }

    /// <summary>Signature, class names and rows to verify; its scheme is not looked at.</summary>
    public PostTrainingOptions Model { get; init; } = new();

    /// <summary>Checks every option.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>, or the scheme's own errors.</exception>
    public QuantizationAwareOptions Validate()
    {
        ArgumentNullException.ThrowIfNull(Training);
        ArgumentNullException.ThrowIfNull(Model);
        (Scheme ?? throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(Scheme)}: expected a scheme, found none.")).Validate();
        Model.Validate();
        if (Scheme.Weights is { NeedsPlainDescent: true } weights && (Training.Optimizer is not Sgd { Momentum: 0 } || Training.Decay != 0))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"{nameof(Training)}: {weights.Name} replaces the optimizer's step and needs plain gradient descent; expected {nameof(Training.Optimizer)} new Sgd(0) and {nameof(Training.Decay)} 0, found {Training.Optimizer} and {Training.Decay}. Begin with {nameof(TrainingDefaults)}.{nameof(TrainingDefaults.For)}."));
        }

        return InitialRows > 0
            ? this
            : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{nameof(InitialRows)}: expected from 1, found {InitialRows}."));
    }
}
