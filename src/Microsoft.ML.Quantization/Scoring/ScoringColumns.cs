using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>How columns and a model's inputs and outputs belong together.</summary>
/// <param name="Inputs">One for each model input. A single entry with an empty model name means the only input.</param>
/// <param name="Outputs">One for each wanted output. A single entry with an empty model name means the first output.</param>
/// <param name="Task">What the first listed output means.</param>
/// <param name="PredictedLabelColumn">The name of the added label column, where the task has one.</param>
internal sealed record ScoringColumns(ImmutableArray<ScoringInput> Inputs, ImmutableArray<ScoringOutput> Outputs, ScoringTask Task, string PredictedLabelColumn)
{
    /// <summary>The task's label column, or null.</summary>
    public string? LabelColumn => Task is ScoringTask.MulticlassClassification or ScoringTask.BinaryClassification ? PredictedLabelColumn : null;

    /// <summary>Fills in left-out model names and checks all of them.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/> names what does not fit.</exception>
    public ScoringColumns Resolve(ModelSignature signature)
    {
        string[] inputs = [.. signature.Inputs.Select(i => i.Name)];
        string[] outputs = [.. signature.Outputs.Select(o => o.Name)];
        ScoringColumns resolved = this with
        {
            Inputs = [.. Inputs.Select(i => i.ModelInput.Length > 0 ? i : i with { ModelInput = Only(inputs, "input") })],
            Outputs = [.. Outputs.Select(o => o.ModelOutput.Length > 0 ? o : o with { ModelOutput = outputs[0] })],
        };
        CheckNames("input", resolved.Inputs.Select(i => i.ModelInput), inputs);
        CheckNames("output", resolved.Outputs.Select(o => o.ModelOutput), outputs);
        bool onceEach = resolved.Inputs.Length == inputs.Length && resolved.Inputs.Select(i => i.ModelInput).Distinct().Count() == inputs.Length;
        Require(onceEach, $"one column for each model input ({string.Join(", ", inputs)}), found columns for {string.Join(", ", resolved.Inputs.Select(i => i.ModelInput))}");
        string[] added = [.. resolved.Outputs.Select(o => o.Column), .. resolved.LabelColumn is { } label ? [label] : Array.Empty<string>()];
        Require(added.Length > 0 && added.Distinct().Count() == added.Length && added.All(c => !string.IsNullOrEmpty(c)), "output columns with different names");
        RowShapes.Check(signature, resolved.Outputs.Select(o => o.ModelOutput));
        resolved.CheckTask(signature);
        return resolved;
    }

    /// <summary>Numbers that the first wanted output has for a row.</summary>
    public int LengthOfFirst(ModelSignature signature) => ScoringModel.RowLength(signature.Outputs.First(o => o.Name == Outputs[0].ModelOutput).Shape);

    private static string Only(string[] names, string what) => names.Length == 1
        ? names[0]
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Model {what}s: expected each to be named, since the model has {names.Length} ({string.Join(", ", names)}).");

    private static void CheckNames(string what, IEnumerable<string> wanted, string[] known)
    {
        foreach (string name in wanted.Where(n => !known.Contains(n)))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Model {what} '{name}': expected one of {string.Join(", ", known.Select(k => $"'{k}'"))}.");
        }
    }

    private static void Require(bool condition, string expected)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Columns: expected {expected}.");
        }
    }

    private void CheckTask(ModelSignature signature)
    {
        OutputSignature first = signature.Outputs.First(o => o.Name == Outputs[0].ModelOutput);
        int length = ScoringModel.RowLength(first.Shape);
        bool fits = Task switch
        {
            ScoringTask.MulticlassClassification => length > 1,
            ScoringTask.BinaryClassification => length == 1,
            _ => Enum.IsDefined(Task),
        };
        Require(fits, $"a task that fits the output '{first.Name}' of {length} numbers a row, found {Task}");
    }
}
