using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Adds copies of columns under other names.</summary>
public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    internal ColumnCopyingEstimator(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(ColumnCopyingEstimator)), new ColumnCopyingTransformer(env, columns))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(Transformer.Columns.Select(c => inputSchema.Find(c.inputColumnName).Renamed(c.outputColumnName)).ToArray());
    }
}

/// <summary>Adds copies of columns under other names.</summary>
public sealed class ColumnCopyingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "CopyTransform";
    private const string ModelSignature = "COPYCOLS";

    internal ColumnCopyingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(ColumnCopyingTransformer)), columns)
    {
    }

    internal (string outputColumnName, string inputColumnName)[] Columns => [.. ColumnPairs];

    internal static ColumnCopyingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        => new(env, ComponentFormat.ReadPairs(ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature)));

    private protected override void SaveModel(ModelSaveContext ctx)
        => ComponentFormat.WritePairs(ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature), Columns);

    private protected override MappedColumn Map(int index, string output, DataViewSchema.Column source)
        => new(new DataViewSchema.DetachedColumn(output, source.Type, source.Annotations), [source.Index], null);
}
