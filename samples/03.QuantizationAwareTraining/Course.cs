using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Training;

namespace QuantizationAwareTraining;

/// <summary>How one training went: loss, accuracy and one learned step, epoch by epoch.</summary>
public sealed class Course(string name) : IProgress<TrainingProgress>
{
    public string Name { get; } = name;

    public List<double> Losses { get; } = [];

    public List<double> Accuracies { get; } = [];

    /// <summary>The first learned step of the network.</summary>
    public List<double> Steps { get; } = [];

    public void Report(TrainingProgress value)
    {
        if (value?.Finished is not { } epoch)
        {
            return;
        }

        Losses.Add(epoch.Loss);
        Accuracies.Add(epoch.Accuracy ?? 0);
        string step = value.Constants!.Keys.First(k => k.EndsWith(".step", StringComparison.Ordinal));
        Steps.Add(value.Constants[step].Values<float>()[0]);
    }
}
