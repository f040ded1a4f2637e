using System;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Adds the columns that an action computes from a row object.</summary>
public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(
        IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition)
        : base(env.Register(nameof(CustomMappingEstimator<TSrc, TDst>)),
            new CustomMappingTransformer<TSrc, TDst>(env, mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (SchemaDefinition.Column wanted in Transformer.InputDefinition)
        {
            SchemaShape.Column source = inputSchema.Find(wanted.ColumnName);
            SchemaShape.Column own = SchemaShape.FromType(wanted.ColumnName, wanted.ColumnType);
            bool sameKind = (own.Kind == SchemaShape.Column.VectorKind.Scalar) == (source.Kind == SchemaShape.Column.VectorKind.Scalar);
            if (!sameKind || !own.ItemType.Equals(source.ItemType))
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", wanted.ColumnName, own.TypeString(), source.TypeString());
            }
        }

        return inputSchema.With(SchemaShape.Create(Transformer.AddedSchema).ToArray());
    }
}

/// <summary>Adds the columns that an action computes from a row object.</summary>
public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly Action<TSrc, TDst> _map;
    private readonly string _contractName;
    private readonly RowReader<TDst> _results;

    internal CustomMappingTransformer(
        IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(mapAction);
        _map = mapAction;
        _contractName = contractName;
        _results = new RowReader<TDst>(outputSchemaDefinition ?? SchemaDefinition.Create(typeof(TDst), SchemaDefinition.Direction.Read));
        InputDefinition = inputSchemaDefinition ?? SchemaDefinition.Create(typeof(TSrc), SchemaDefinition.Direction.Write);
    }

    public bool IsRowToRowMapper => true;

    internal SchemaDefinition InputDefinition { get; }

    internal DataViewSchema AddedSchema => _results.Schema;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedDataView(input, Bind(input.Schema));
    }

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_contractName == null)
        {
            throw Errors.Mark(new InvalidOperationException(
                "Empty contract name for a transform: the transform cannot be saved. Give a contractName, and a factory class with CustomMappingFactoryAttribute of that name."));
        }

        CustomMappingLoader.Write(ctx, _contractName, _map.Method.Module.Assembly);
    }

    private RowMapping Bind(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var writer = new RowWriter<TSrc>(inputSchema, false, InputDefinition);
        int[] sources = writer.Columns.Select(c => c.Index).ToArray();

        // The getters of one row share one run of the action at each position.
        var results = new ConditionalWeakTable<DataViewRow, Func<TDst>>();
        return RowMapping.Adding(inputSchema, _results.Schema.Select(column => new MappedColumn(
            new DataViewSchema.DetachedColumn(column), sources,
            row => _results.MakeGetter(column.Index, results.GetValue(row, r => Result(writer, r))))).ToArray());
    }

    private Func<TDst> Result(RowWriter<TSrc> writer, DataViewRow row)
    {
        Action<TSrc> fill = writer.Bind(row);
        var source = new TSrc();
        TDst result = null;
        long position = -1;
        return () =>
        {
            if (result == null || position != row.Position)
            {
                position = row.Position;
                fill(source);
                result = new TDst();
                _map(source, result);
            }

            return result;
        };
    }
}

/// <summary>Writes and reads what names a custom mapping.</summary>
internal static class CustomMappingLoader
{
    internal const string LoaderSignature = "CustomMapping";
    private const string ModelSignature = "CUSTOMXF";

    public static void Write(ModelSaveContext ctx, string contractName, Assembly assembly)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        writer.Write(contractName);
        writer.Write(assembly.GetName().Name);
    }

    internal static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        string contractName = reader.ReadString();
        env.ComponentCatalog.RegisterAssembly(Assembly.Load(reader.ReadString()));
        Type factory = env.ComponentCatalog.GetExtension(typeof(CustomMappingFactoryAttributeAttribute), contractName);
        return factory != null && Activator.CreateInstance(factory, nonPublic: true) is ICustomMappingFactory maker
            ? maker.CreateTransformer(env, contractName)
            : throw Errors.Decode($"No class with CustomMappingFactoryAttribute(\"{contractName}\") is known; register its assembly with ComponentCatalog.RegisterAssembly.");
    }
}
