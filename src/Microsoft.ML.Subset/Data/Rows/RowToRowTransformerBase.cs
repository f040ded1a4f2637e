using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Transformers whose output rows depend on their own input rows only.</summary>
public abstract class RowToRowTransformerBase : ITransformer
{
    private protected RowToRowTransformerBase(IHost host) => Host = host;

    bool ITransformer.IsRowToRowMapper => true;

    private protected IHost Host { get; }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return Bind(inputSchema).OutputSchema;
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedDataView(input, Bind(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return Bind(inputSchema);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        SaveModel(ctx);
    }

    private protected abstract void SaveModel(ModelSaveContext ctx);

    private protected abstract RowMapping Bind(DataViewSchema inputSchema);

    private protected static DataViewSchema.Column Source(DataViewSchema inputSchema, string name)
        => inputSchema.GetColumnOrNull(name) ?? throw Errors.MissingColumn(nameof(inputSchema), "input", name);
}

/// <summary>Transformers that make each output column of one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    private readonly (string outputColumnName, string inputColumnName)[] _pairs;

    private protected OneToOneTransformerBase(IHost host, (string outputColumnName, string inputColumnName)[] columns)
        : base(host) => _pairs = columns;

    private protected IReadOnlyList<(string outputColumnName, string inputColumnName)> ColumnPairs => _pairs;

    private protected override RowMapping Bind(DataViewSchema inputSchema)
        => RowMapping.Adding(inputSchema, _pairs.Select((pair, i) => Map(i, pair.outputColumnName, Source(inputSchema, pair.inputColumnName))).ToArray());

    /// <summary>The output column of pair <paramref name="index"/>.</summary>
    private protected abstract MappedColumn Map(int index, string output, DataViewSchema.Column source);
}
