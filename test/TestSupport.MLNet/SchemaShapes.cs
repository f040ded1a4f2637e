using System;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>Makes the shape of a schema with public API only: a composite loader hands it to the estimator appended to it.</summary>
public static class SchemaShapes
{
    public static SchemaShape Create(DataViewSchema schema) => new SchemaLoader(schema).Append(new PassShape()).GetOutputSchema();

    private sealed class SchemaLoader(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException();

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class PassShape : IEstimator<ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;

        public ITransformer Fit(IDataView input) => throw new NotSupportedException();
    }
}
