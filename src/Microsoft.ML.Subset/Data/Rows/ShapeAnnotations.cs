using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>Promises of annotations.</summary>
internal static class ShapeAnnotations
{
    public static readonly SchemaShape.Column SlotNames
        = new(AnnotationKinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false);

    public static readonly SchemaShape.Column IsNormalized
        = new(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false);

    public static SchemaShape.Column KeyValues(DataViewType item)
        => new(AnnotationKinds.KeyValues, SchemaShape.Column.VectorKind.Vector, item, false);

    public static bool Has(this SchemaShape.Column column, string kind) => column.Annotations.TryFindColumn(kind, out _);

    public static SchemaShape Only(SchemaShape annotations, params string[] kinds) => new(annotations.Where(a => kinds.Contains(a.Name)));

    public static SchemaShape Plus(this SchemaShape annotations, params SchemaShape.Column[] more)
        => new(((IEnumerable<SchemaShape.Column>)annotations).Concat(more));
}
