using System;
using System.Collections.Generic;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.Hosting;

/// <summary>
/// Schema shapes by public means. The constructor of <see cref="SchemaShape.Column"/> is internal to the host, but a loader estimator turns a
/// schema into a shape and hands it to the estimator behind it; with a loader that has nothing but a schema and an estimator that returns its input, that is
/// the conversion itself.
/// </summary>
internal static class SchemaShapes
{
    /// <summary>The shape of a schema, hidden columns left out.</summary>
    public static SchemaShape Create(DataViewSchema schema) => new SchemaLoader(schema).Append(new Identity()).GetOutputSchema();

    /// <summary>One column of a shape. Sizes and annotation values do not count in a shape, kinds and types do.</summary>
    public static SchemaShape.Column Column(string name, DataViewType type, DataViewSchema.Annotations? annotations = null)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(name, type, annotations);
        return Create(builder.ToSchema())[0];
    }

    /// <summary>The column of that name.</summary>
    public static SchemaShape.Column? Find(this SchemaShape shape, string name)
    {
        foreach (SchemaShape.Column column in shape)
        {
            if (column.Name == name)
            {
                return column;
            }
        }

        return null;
    }

    /// <summary>The shape with columns added; one of the same name is replaced in its place.</summary>
    public static SchemaShape With(this SchemaShape shape, IEnumerable<SchemaShape.Column> added)
    {
        List<SchemaShape.Column> columns = [.. shape];
        foreach (SchemaShape.Column column in added)
        {
            int at = columns.FindIndex(c => c.Name == column.Name);
            if (at < 0)
            {
                columns.Add(column);
            }
            else
            {
                columns[at] = column;
            }
        }

        return new SchemaShape(columns);
    }

    /// <summary>How the host writes a column's type in messages.</summary>
    public static string Describe(this SchemaShape.Column column)
    {
        string item = column.IsKey ? $"Key<{column.ItemType}>" : column.ItemType.ToString() ?? string.Empty;
        return column.Kind switch
        {
            SchemaShape.Column.VectorKind.Vector => $"Vector<{item}>",
            SchemaShape.Column.VectorKind.VariableVector => $"VarVector<{item}>",
            _ => item,
        };
    }

    private sealed class SchemaLoader(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException("This loader has a schema and no data.");

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("This loader has a schema and no data.");
    }

    private sealed class Identity : IEstimator<ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;

        public ITransformer Fit(IDataView input) => throw new NotSupportedException("This estimator only passes a shape on.");
    }
}
