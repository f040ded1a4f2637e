using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>Checks of the columns that feed a model, with the host's wording.</summary>
internal static class InputColumns
{
    /// <summary>The column, if a model input can be read from it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or has another type or size.</exception>
    public static DataViewSchema.Column Check(DataViewSchema inputSchema, string name, InputSignature signature)
    {
        if (inputSchema.GetColumnOrNull(name) is not { } column)
        {
            throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Could not find input column '{name}'{ColumnNames.Hint(name, inputSchema.Where(c => !c.IsHidden).Select(c => c.Name))}");
        }

        int size = ScoringModel.RowLength(signature.Shape);
        NumberDataViewType item = ItemType(signature.Element);
        bool vector = column.Type is VectorDataViewType { IsKnownSize: true } type && type.Size == size && type.ItemType.Equals(item);
        bool scalar = size == 1 && column.Type.Equals(item);
        return vector || scalar ? column : throw new ArgumentOutOfRangeException(nameof(inputSchema), Mismatch(name, $"Vector<{item}, {size}>", column.Type.ToString()));
    }

    /// <summary>The same for a shape, where sizes are not known.</summary>
    public static void Check(SchemaShape inputSchema, string name, InputSignature signature)
    {
        if (inputSchema.Find(name) is not { } column)
        {
            throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Could not find input column '{name}'{ColumnNames.Hint(name, inputSchema.Select(c => c.Name))}");
        }

        NumberDataViewType item = ItemType(signature.Element);
        bool vector = column.Kind == SchemaShape.Column.VectorKind.Vector;
        bool scalar = column.Kind == SchemaShape.Column.VectorKind.Scalar && ScoringModel.RowLength(signature.Shape) == 1;
        if ((!vector && !scalar) || column.IsKey || !column.ItemType.Equals(item))
        {
            throw new ArgumentOutOfRangeException(nameof(inputSchema), Mismatch(name, $"known-size vector of {item}", column.Describe()));
        }
    }

    private static NumberDataViewType ItemType(ElementType element) => element switch
    {
        ElementType.UInt8 => NumberDataViewType.Byte,
        ElementType.Int64 => NumberDataViewType.Int64,
        _ => NumberDataViewType.Single,
    };

    private static string Mismatch(string name, string expected, string? got) => $"Schema mismatch for input column '{name}': expected {expected}, got {got}";
}
