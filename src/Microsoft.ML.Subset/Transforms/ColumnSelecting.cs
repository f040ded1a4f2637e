using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Keeps or drops columns.</summary>
public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(IHostEnvironment env, string[] keepColumns, string[] dropColumns, bool keepHidden)
        : base(env.Register(nameof(ColumnSelectingEstimator)), new ColumnSelectingTransformer(env, keepColumns, dropColumns, keepHidden))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        string[] names = Transformer.Names;
        if (Transformer.Drops)
        {
            return new SchemaShape(inputSchema.Where(c => !names.Contains(c.Name)));
        }

        return new SchemaShape(names.Select(inputSchema.Find));
    }
}

/// <summary>Keeps or drops columns.</summary>
public sealed class ColumnSelectingTransformer : RowToRowTransformerBase
{
    internal const string LoaderSignature = "SelectColumnsTransform";
    private const string ModelSignature = "SELCOLST";
    private readonly bool _keepHidden;

    internal ColumnSelectingTransformer(IHostEnvironment env, string[] keepColumns, string[] dropColumns, bool keepHidden)
        : base(env.Register(nameof(ColumnSelectingTransformer)))
    {
        Names = keepColumns ?? dropColumns ?? throw new ArgumentNullException(nameof(keepColumns));
        Drops = keepColumns == null;
        _keepHidden = keepHidden;
    }

    internal string[] Names { get; }

    internal bool Drops { get; }

    internal static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        bool drops = reader.ReadBoolean(), keepHidden = reader.ReadBoolean();
        string[] names = ComponentFormat.ReadArray(reader, reader.ReadString);
        return new ColumnSelectingTransformer(env, drops ? null : names, drops ? names : null, keepHidden);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        writer.Write(Drops);
        writer.Write(_keepHidden);
        ComponentFormat.WriteArray(writer, Names, writer.Write);
    }

    private protected override RowMapping Bind(DataViewSchema inputSchema)
    {
        foreach (string name in Names)
        {
            Source(inputSchema, name);
        }

        if (Drops)
        {
            return new RowMapping(inputSchema, inputSchema.Where(c => (_keepHidden || !c.IsHidden) && !Names.Contains(c.Name)).Select(MappedColumn.PassOn));
        }

        // In the order asked for; hidden columns of a name come before the one that hides them.
        return new RowMapping(inputSchema, Names.SelectMany(name => inputSchema.Where(c => c.Name == name && (_keepHidden || !c.IsHidden))).Select(MappedColumn.PassOn));
    }
}
