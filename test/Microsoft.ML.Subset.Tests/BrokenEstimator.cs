using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;

namespace Microsoft.ML.Subset.Tests;

/// <summary>Copies column "F" to "G" by the built-in transform, and breaks one rule of estimators.</summary>
internal sealed class BrokenEstimator(Breakage breakage) : IEstimator<ITransformer>
{
    private readonly MLContext _context = new();

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        if (breakage == Breakage.InvalidShapeAccepted && inputSchema.All(c => c.Name != "F"))
        {
            return inputSchema;
        }

        SchemaShape shape = Copy().GetOutputSchema(inputSchema);
        return breakage switch
        {
            Breakage.PromisedColumnMissing => inputSchema,
            Breakage.PromisedWithoutAnnotations => new SchemaShape(shape.Select(c => c.Name == "G" ? Bare() : c)),
            _ => shape,
        };
    }

    public ITransformer Fit(IDataView input)
    {
        if (breakage == Breakage.InvalidFitAccepted && input.Schema.GetColumnOrNull("F") == null)
        {
            return Copy("X").Fit(input);
        }

        return new BrokenTransformer(breakage, Copy().Fit(input), _context.Transforms.CopyColumns("H", "F").Fit(input));
    }

    private Transforms.ColumnCopyingEstimator Copy(string source = "F") => _context.Transforms.CopyColumns("G", source);

    private static SchemaShape.Column Bare()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("G", new VectorDataViewType(NumberDataViewType.Single, 1));
        return SchemaShapes.Create(builder.ToSchema())[0];
    }
}

/// <summary>The transformer of <see cref="BrokenEstimator"/>.</summary>
internal sealed class BrokenTransformer(Breakage breakage, ITransformer inner, ITransformer other) : ITransformer
{
    public bool IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        bool lenient = breakage == Breakage.InvalidTransformAccepted && inputSchema.GetColumnOrNull("F") == null;
        return lenient ? inputSchema : (breakage == Breakage.OutputSchemaDiffersFromView ? other : inner).GetOutputSchema(inputSchema);
    }

    public IDataView Transform(IDataView input)
    {
        if (breakage == Breakage.InvalidTransformAccepted && input.Schema.GetColumnOrNull("F") == null)
        {
            return input;
        }

        if (breakage == Breakage.TransformOpensCursor)
        {
            input.GetRowCursor(input.Schema).Dispose();
        }

        return new BrokenView(breakage, inner.Transform(input));
    }

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new BrokenMapper(breakage, inputSchema, inner, other);

    void ICanSaveModel.Save(ModelSaveContext ctx) => (breakage == Breakage.LoadedModelDiffers ? other : inner).Save(ctx);

    internal static DataViewSchema Clone(IEnumerable<DataViewSchema.Column> schema)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(schema);
        return builder.ToSchema();
    }
}

/// <summary>The mapper of <see cref="BrokenTransformer"/>.</summary>
internal sealed class BrokenMapper : IRowToRowMapper
{
    private readonly Breakage _breakage;
    private readonly IRowToRowMapper _inner;

    public BrokenMapper(Breakage breakage, DataViewSchema inputSchema, ITransformer inner, ITransformer other)
    {
        _breakage = breakage;
        _inner = (breakage == Breakage.MapperSchemaDiffers ? other : inner).GetRowToRowMapper(inputSchema);
        InputSchema = breakage == Breakage.MapperInputSchemaCopied ? BrokenTransformer.Clone(inputSchema) : inputSchema;
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema => _inner.OutputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => _breakage == Breakage.DependenciesForeign ? dependingColumns : _inner.GetDependencies(dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
        => new BrokenRow(_breakage, _inner.GetRow(input, activeColumns));

    private sealed class BrokenRow(Breakage breakage, DataViewRow inner) : DataViewRow
    {
        private readonly DataViewSchema _schema = breakage == Breakage.MapperRowSchemaCopied ? BrokenTransformer.Clone(inner.Schema) : inner.Schema;

        public override long Position => breakage == Breakage.MapperRowPositionFixed ? 0 : inner.Position;

        public override long Batch => inner.Batch;

        public override DataViewSchema Schema => _schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => inner.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => inner.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => inner.GetGetter<TValue>(inner.Schema[column.Index]);
    }
}
