using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>Checks of label columns, with the host's wording, and the names of classes that a label column knows.</summary>
internal static class LabelColumn
{
    /// <summary>Checks a shape: a key for classification, Single for regression.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or of another type.</exception>
    public static void Check(SchemaShape schema, string name, ScoringTask task)
    {
        if (schema.Find(name) is not { } column)
        {
            throw new ArgumentOutOfRangeException(nameof(schema), $"Could not find label column '{name}'{ColumnNames.Hint(name, schema.Select(c => c.Name))}");
        }

        bool isNumber = !column.IsKey && column.ItemType.Equals(NumberDataViewType.Single) && column.Kind != SchemaShape.Column.VectorKind.VariableVector;
        bool fits = task == ScoringTask.Regression ? isNumber : column.IsKey && column.Kind == SchemaShape.Column.VectorKind.Scalar;
        if (!fits)
        {
            string expected = task == ScoringTask.Regression ? "Single" : "Key<UInt32>";
            string wayOut = isNumber ? $". Labels that are numbers need {nameof(ScoringTask)}.{nameof(ScoringTask.Regression)}, which trains with {nameof(TrainingLoss.MeanSquaredError)}" : string.Empty;
            throw new ArgumentOutOfRangeException(nameof(schema), $"Schema mismatch for label column '{name}': expected {expected}, got {column.Describe()}{wayOut}");
        }
    }

    /// <summary>Checks that a label column has as many classes or numbers as the network has outputs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has another number.</exception>
    public static void Check(DataViewSchema schema, string name, ScoringTask task, int outputs)
    {
        DataViewType type = schema[name].Type;
        ulong count = type is KeyDataViewType key ? key.Count : type is VectorDataViewType vector ? (ulong)vector.Size : 1;
        if (count != (ulong)outputs)
        {
            string what = task == ScoringTask.Regression ? "numbers" : "classes";
            throw new ArgumentOutOfRangeException(nameof(schema), $"Schema mismatch for label column '{name}': expected {outputs} {what}, as many as the network has outputs, got {count}");
        }
    }

    /// <summary>Names that stand for those which the data will bring: as many as classes where the label's key has values, otherwise none.</summary>
    public static ClassLabels Promised(SchemaShape schema, string name, ScoringTask task, int classes)
        => task != ScoringTask.Regression && schema.Find(name) is { } label
            && label.Annotations.Find("KeyValues") is { Kind: SchemaShape.Column.VectorKind.Vector, IsKey: false } values && LabelType.Find(values.ItemType) is { } type
            ? new ClassLabels([.. Enumerable.Range(0, classes).Select(i => i.ToString(CultureInfo.InvariantCulture))], type)
            : ClassLabels.None;

    /// <summary>The classes by the key's values: texts, numbers or truth values; none where it has none.</summary>
    public static ClassLabels Labels(DataViewSchema.Column label, ScoringTask task, int classes)
    {
        if (task == ScoringTask.Regression || label.Annotations.Schema.GetColumnOrNull("KeyValues")?.Type is not VectorDataViewType values || LabelType.Find(values.ItemType) is not { } type)
        {
            return ClassLabels.None;
        }

        ImmutableArray<string> names = type.Texts(label);
        return names.Length == classes ? new ClassLabels(names, type) : ClassLabels.None;
    }
}
