using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Scoring;

namespace Microsoft.ML.Quantization;

// The host's convention: options are public fields.
#pragma warning disable CA1051

/// <summary>Options that all scoring estimators share.</summary>
public abstract class ScoringOptions
{
    /// <summary>The model file.</summary>
    public string ModelFile = string.Empty;

    /// <summary>
    /// Sizes of free dimensions of an ONNX file other than the batch, for example of a sequence, by the names that the file gives them; null for none. A file with such dimensions needs
    /// them: its network is made for one size of each.
    /// </summary>
    public IReadOnlyDictionary<string, int>? Dimensions;

    /// <summary>Name of the column that the first output fills; not read when <see cref="Outputs"/> is given.</summary>
    public string OutputColumnName = Defaults.OutputColumnName;

    /// <summary>Name of the column that feeds the only input; not read when <see cref="Inputs"/> is given.</summary>
    public string InputColumnName = Defaults.InputColumnName;

    /// <summary>Columns of a model with several inputs, by the inputs' names.</summary>
    public ScoringInput[]? Inputs;

    /// <summary>Columns of the wanted outputs, by the outputs' names; the first one is what <see cref="Task"/> speaks of.</summary>
    public ScoringOutput[]? Outputs;

    /// <summary>What the first output means.</summary>
    public ScoringTask Task = Defaults.Task;

    /// <summary>Name of the label column that classification tasks add.</summary>
    public string PredictedLabelColumnName = Defaults.PredictedLabelColumnName;

    /// <summary>Names of the classes, one a number of the first output and in its order; they become slot names of the score and key values of the label. None for binary classification and regression.</summary>
    public string[]? ClassNames;

    /// <summary>Threads of one call, at most the processors that this process may use; null for all of them.</summary>
    public int? NumberOfThreads;

    /// <summary>Name of the kernel set; null for the best one here.</summary>
    public string? KernelSet;

    /// <summary>Default values.</summary>
    public static class Defaults
    {
        /// <summary>Default output column.</summary>
        public const string OutputColumnName = "Score";

        /// <summary>Default input column.</summary>
        public const string InputColumnName = "Features";

        /// <summary>Default label column.</summary>
        public const string PredictedLabelColumnName = "PredictedLabel";

        /// <summary>Default task.</summary>
        public const ScoringTask Task = ScoringTask.Vectors;
    }

    private protected ScoringOptions()
    {
    }

    internal ScoringColumns ToColumns() => new(
        Inputs is { Length: > 0 } ? [.. Inputs] : [new ScoringInput(string.Empty, InputColumnName)],
        Outputs is { Length: > 0 } ? [.. Outputs] : [new ScoringOutput(string.Empty, OutputColumnName)],
        Task,
        PredictedLabelColumnName);

    /// <summary>Finds out when an estimator is made what would otherwise show behind the fit.</summary>
    /// <exception cref="QuantizationException">InvalidOptions: threads, names of classes, columns. KernelSetUnavailable. InputShapeMismatch: the network is not one of rows.</exception>
    internal ScoringColumns Check(ModelSignature signature)
    {
        if (NumberOfThreads < 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{nameof(NumberOfThreads)}: expected a number from 0, or null for all processors, found {NumberOfThreads}."));
        }

        QuantizedModel.FindKernels(KernelSet);
        ScoringColumns columns = ToColumns().Resolve(signature);
        CheckClassNames(columns.LengthOfFirst(signature));
        return columns;
    }

    internal QuantizedModelOptions ToEngineOptions() => new() { ThreadCount = NumberOfThreads ?? 0, KernelSet = KernelSet };

    private void CheckClassNames(int length)
    {
        if (ClassNames is not { Length: > 0 } names)
        {
            return;
        }

        bool hasClasses = Task is ScoringTask.MulticlassClassification or ScoringTask.Vectors;
        if (!hasClasses || names.Length != length || Array.Exists(names, n => n is null))
        {
            string expected = hasClasses ? FormattableString.Invariant($"{length} names, one a class") : $"none for the task {Task}, which has no classes";
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{nameof(ClassNames)}: expected {expected}, found {names.Length}. Give all of them in the output's order, or none."));
        }
    }
}
