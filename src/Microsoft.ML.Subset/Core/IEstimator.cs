using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Something that writes itself into a model.</summary>
public interface ICanSaveModel
{
    public void Save(ModelSaveContext ctx);
}

/// <summary>A fitted step: adds columns to views.</summary>
public interface ITransformer : ICanSaveModel
{
    public bool IsRowToRowMapper { get; }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    public IDataView Transform(IDataView input);

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema);
}

/// <summary>A step to be fitted.</summary>
public interface IEstimator<out TTransformer>
    where TTransformer : ITransformer
{
    public TTransformer Fit(IDataView input);

    public SchemaShape GetOutputSchema(SchemaShape inputSchema);
}

/// <summary>Makes views of a source.</summary>
public interface IDataLoader<in TSource> : ICanSaveModel
{
    public IDataView Load(TSource input);

    public DataViewSchema GetOutputSchema();
}

/// <summary>A loader to be fitted.</summary>
public interface IDataLoaderEstimator<in TSource, out TLoader>
    where TLoader : IDataLoader<TSource>
{
    public TLoader Fit(TSource input);

    public SchemaShape GetOutputSchema();
}
