using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>The columns that a model adds, typed as the host's evaluators expect.</summary>
internal static class AddedColumns
{
    private const string ScoreColumnKind = "ScoreColumnKind";
    private const string ScoreValueKind = "ScoreValueKind";
    private const string ScoreColumnSetId = "ScoreColumnSetId";
    private const string TrainingLabelValues = "TrainingLabelValues";
    private const string SlotNames = "SlotNames";
    private const string KeyValues = "KeyValues";

    // The host's type of set numbers.
    private static readonly KeyDataViewType _setType = new(typeof(uint), int.MaxValue);

    /// <summary>All of them, from the signature alone, so that they are known before fitting.</summary>
    /// <param name="signature">The model's inputs and outputs.</param>
    /// <param name="columns">The columns wanted.</param>
    /// <param name="labels">What the classes are called.</param>
    /// <param name="set">The number that tells these score columns from those of other predictors in the schema.</param>
    public static AddedColumn[] Create(ModelSignature signature, ScoringColumns columns, ClassLabels labels, uint set = 1)
    {
        var added = new List<AddedColumn>();
        for (int i = 0; i < columns.Outputs.Length; i++)
        {
            int index = signature.Outputs.IndexOf(signature.Outputs.First(o => o.Name == columns.Outputs[i].ModelOutput));
            added.Add(Output(signature.Outputs[index], index, columns.Outputs[i].Column, i == 0 ? columns.Task : ScoringTask.Vectors, i == 0 ? labels : ClassLabels.None, set));
        }

        int first = signature.Outputs.IndexOf(signature.Outputs.First(o => o.Name == columns.Outputs[0].ModelOutput));
        if (columns.Task == ScoringTask.MulticlassClassification)
        {
            added.Add(MulticlassLabel(first, columns.PredictedLabelColumn, ScoringModel.RowLength(signature.Outputs[first].Shape), labels, set));
        }
        else if (columns.Task == ScoringTask.BinaryClassification)
        {
            added.Add(new AddedColumn(columns.PredictedLabelColumn, BooleanDataViewType.Instance, Kinds(columns.Task, "PredictedLabel", set).ToAnnotations(), (batch, slot) =>
                (ValueGetter<bool>)((ref bool value) => value = batch.Output(first, slot())[0] > 0)));
        }

        return [.. added];
    }

    private static AddedColumn Output(OutputSignature output, int index, string column, ScoringTask task, ClassLabels labels, uint set)
    {
        int length = ScoringModel.RowLength(output.Shape);
        if (length == 1 && task is ScoringTask.BinaryClassification or ScoringTask.Regression)
        {
            return new AddedColumn(column, NumberDataViewType.Single, Kinds(task, "Score", set).ToAnnotations(), (batch, slot) =>
                (ValueGetter<float>)((ref float value) => value = batch.Output(index, slot())[0]));
        }

        // The host's score kind of a regression is one number.
        DataViewSchema.Annotations.Builder annotations = Kinds(task == ScoringTask.Regression ? ScoringTask.Vectors : task, "Score", set);
        if (labels.Names.Length == length)
        {
            LabelType.Text.Add(annotations, SlotNames, labels.Names);
        }

        if (labels.Names.Length == length && task == ScoringTask.MulticlassClassification)
        {
            labels.Type.Add(annotations, TrainingLabelValues, labels.Names);
        }

        return new AddedColumn(column, VectorType(output.Shape, length), annotations.ToAnnotations(), (batch, slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            ReadOnlySpan<float> scores = batch.Output(index, slot());
            VBufferEditor<float> editor = VBufferEditor.Create(ref value, length);
            scores.CopyTo(editor.Values);
            value = editor.Commit();
        }));
    }

    private static AddedColumn MulticlassLabel(int output, string column, int classes, ClassLabels labels, uint set)
    {
        DataViewSchema.Annotations.Builder annotations = Kinds(ScoringTask.MulticlassClassification, "PredictedLabel", set);
        if (labels.Names.Length == classes)
        {
            labels.Type.Add(annotations, KeyValues, labels.Names);
        }

        return new AddedColumn(column, new KeyDataViewType(typeof(uint), classes), annotations.ToAnnotations(), (batch, slot) =>
            (ValueGetter<uint>)((ref uint value) => value = (uint)(Largest(batch.Output(output, slot())) + 1)));
    }

    // Ties go to the lowest index, as in the host's evaluator; NaN is no score, and without any score there is no class: −1, the missing key.
    private static int Largest(ReadOnlySpan<float> scores)
    {
        int best = -1;
        for (int i = 0; i < scores.Length; i++)
        {
            best = !float.IsNaN(scores[i]) && (best < 0 || scores[i] > scores[best]) ? i : best;
        }

        return best;
    }

    private static VectorDataViewType VectorType(Shape shape, int length)
    {
        int[] dimensions = [.. ScoringModel.RowDimensions(shape)];
        return dimensions.Length > 1 ? new VectorDataViewType(NumberDataViewType.Single, dimensions) : new VectorDataViewType(NumberDataViewType.Single, length);
    }

    /// <summary>A number behind those of all sets of score columns that the schema has.</summary>
    public static uint NextSet(DataViewSchema schema)
    {
        uint last = 0;
        foreach (DataViewSchema.Annotations annotations in schema.Select(c => c.Annotations))
        {
            if (annotations.Schema.GetColumnOrNull(ScoreColumnSetId) is { Type: KeyDataViewType type } column && type.RawType == typeof(uint))
            {
                uint number = 0;
                annotations.GetGetter<uint>(column)(ref number);
                last = Math.Max(last, number);
            }
        }

        return last + 1;
    }

    private static DataViewSchema.Annotations.Builder Kinds(ScoringTask task, string valueKind, uint set)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        if (task != ScoringTask.Vectors)
        {
            AddText(builder, ScoreColumnKind, task.ToString());
            AddText(builder, ScoreValueKind, valueKind);
            builder.Add<uint>(ScoreColumnSetId, _setType, (ref uint value) => value = set);
        }

        return builder;
    }

    private static void AddText(DataViewSchema.Annotations.Builder builder, string name, string text)
        => builder.Add<ReadOnlyMemory<char>>(name, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
}
