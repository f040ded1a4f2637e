using System;
using System.Collections.Generic;
using System.Collections.Immutable;
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
    private const string SlotNames = "SlotNames";
    private const string KeyValues = "KeyValues";

    /// <summary>All of them, from the signature alone, so that they are known before fitting.</summary>
    public static AddedColumn[] Create(ModelSignature signature, ScoringColumns columns, ClassLabels labels)
    {
        var added = new List<AddedColumn>();
        for (int i = 0; i < columns.Outputs.Length; i++)
        {
            int index = signature.Outputs.IndexOf(signature.Outputs.First(o => o.Name == columns.Outputs[i].ModelOutput));
            added.Add(Output(signature.Outputs[index], index, columns.Outputs[i].Column, i == 0 ? columns.Task : ScoringTask.Vectors, i == 0 ? labels.Names : []));
        }

        int first = signature.Outputs.IndexOf(signature.Outputs.First(o => o.Name == columns.Outputs[0].ModelOutput));
        if (columns.Task == ScoringTask.MulticlassClassification)
        {
            added.Add(MulticlassLabel(first, columns.PredictedLabelColumn, ScoringModel.RowLength(signature.Outputs[first].Shape), labels));
        }
        else if (columns.Task == ScoringTask.BinaryClassification)
        {
            added.Add(new AddedColumn(columns.PredictedLabelColumn, BooleanDataViewType.Instance, Kinds(columns.Task, "PredictedLabel").ToAnnotations(), (batch, slot) =>
                (ValueGetter<bool>)((ref bool value) => value = batch.Output(first, slot())[0] > 0)));
        }

        return [.. added];
    }

    private static AddedColumn Output(OutputSignature output, int index, string column, ScoringTask task, ImmutableArray<string> classNames)
    {
        int length = ScoringModel.RowLength(output.Shape);
        if (task is ScoringTask.BinaryClassification or ScoringTask.Regression)
        {
            return new AddedColumn(column, NumberDataViewType.Single, Kinds(task, "Score").ToAnnotations(), (batch, slot) =>
                (ValueGetter<float>)((ref float value) => value = batch.Output(index, slot())[0]));
        }

        DataViewSchema.Annotations.Builder annotations = Kinds(task, "Score");
        if (classNames.Length == length)
        {
            LabelType.Text.Add(annotations, SlotNames, classNames);
        }

        return new AddedColumn(column, VectorType(output.Shape, length), annotations.ToAnnotations(), (batch, slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            ReadOnlySpan<float> scores = batch.Output(index, slot());
            VBufferEditor<float> editor = VBufferEditor.Create(ref value, length);
            scores.CopyTo(editor.Values);
            value = editor.Commit();
        }));
    }

    private static AddedColumn MulticlassLabel(int output, string column, int classes, ClassLabels labels)
    {
        DataViewSchema.Annotations.Builder annotations = Kinds(ScoringTask.MulticlassClassification, "PredictedLabel");
        if (labels.Names.Length == classes)
        {
            labels.Type.Add(annotations, KeyValues, labels.Names);
        }

        return new AddedColumn(column, new KeyDataViewType(typeof(uint), classes), annotations.ToAnnotations(), (batch, slot) =>
            (ValueGetter<uint>)((ref uint value) => value = (uint)Largest(batch.Output(output, slot())) + 1));
    }

    // Ties go to the lowest index, as in the host's evaluator.
    private static int Largest(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            best = scores[i] > scores[best] ? i : best;
        }

        return best;
    }

    private static VectorDataViewType VectorType(Shape shape, int length)
    {
        int[] dimensions = [.. ScoringModel.RowDimensions(shape)];
        return dimensions.Length > 1 ? new VectorDataViewType(NumberDataViewType.Single, dimensions) : new VectorDataViewType(NumberDataViewType.Single, length);
    }

    private static DataViewSchema.Annotations.Builder Kinds(ScoringTask task, string valueKind)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        if (task != ScoringTask.Vectors)
        {
            AddText(builder, ScoreColumnKind, task.ToString());
            AddText(builder, ScoreValueKind, valueKind);
        }

        return builder;
    }

    private static void AddText(DataViewSchema.Annotations.Builder builder, string name, string text)
        => builder.Add<ReadOnlyMemory<char>>(name, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
}
