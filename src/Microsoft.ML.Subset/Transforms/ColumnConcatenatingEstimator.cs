using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Puts columns of one item type together into a vector.</summary>
public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
{
    private readonly IHost _host;
    private readonly string _name;
    private readonly string[] _source;

    internal ColumnConcatenatingEstimator(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(inputColumnNames);
        _host = env.Register(nameof(ColumnConcatenatingEstimator));
        _name = outputColumnName;
        _source = inputColumnNames;
    }

    public ColumnConcatenatingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ColumnConcatenatingTransformer(_host, _name, _source);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaShape.Column[] columns = _source.Select(inputSchema.Find).ToArray();
        foreach (SchemaShape.Column column in columns)
        {
            if (column.IsKey || !column.ItemType.Equals(columns[0].ItemType))
            {
                throw Errors.Mark(new InvalidOperationException(
                    $"Concatenated columns should have the same type. Column '{column.Name}' has type of {column.TypeString()}, but expected column type is {columns[0].TypeString()}."));
            }
        }

        bool known = columns.All(c => c.Kind != SchemaShape.Column.VectorKind.VariableVector);
        var annotations = new SchemaShape([]);
        if (known && columns.Any(c => c.Kind == SchemaShape.Column.VectorKind.Scalar || c.Has(AnnotationKinds.SlotNames)))
        {
            annotations = annotations.Plus(ShapeAnnotations.SlotNames);
        }

        if (columns.All(c => c.Has(AnnotationKinds.IsNormalized)))
        {
            annotations = annotations.Plus(ShapeAnnotations.IsNormalized);
        }

        SchemaShape.Column.VectorKind kind = known ? SchemaShape.Column.VectorKind.Vector : SchemaShape.Column.VectorKind.VariableVector;
        return inputSchema.With(new SchemaShape.Column(_name, kind, columns[0].ItemType, false, annotations));
    }
}
