using System;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>Options of training to begin with, where a scheme asks for others than <see cref="TrainingOptions"/> has.</summary>
public static class TrainingDefaults
{
    private const string Biases = @".*bias";

    // Steps are read off the weights, which lie near ±1: not so small that rounding eats them.
    private const float PlainRate = 0.01f;

    /// <summary>Methods that replace the optimizer's step (WAGE) get plain gradient descent, biases as they are; all others get what <see cref="TrainingOptions"/> has.</summary>
    /// <param name="scheme">The scheme; null for float training.</param>
    public static TrainingOptions For(QuantizationAwareScheme? scheme) => scheme is { Weights.NeedsPlainDescent: true }
        ? new TrainingOptions { Optimizer = new Sgd(0), Rate = PlainRate, Groups = [new ParameterGroup(Biases, 0)] }
        : new TrainingOptions();
}
