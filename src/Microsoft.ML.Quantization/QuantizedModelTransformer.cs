using System;
using System.Collections.Immutable;
using System.IO;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Rows;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>
/// <see cref="ITransformer"/> resulting from fitting a <see cref="PostTrainingQuantizationEstimator"/>, a <see cref="QuantizationAwareTrainingEstimator"/> or a <see cref="QuantizedModelEstimator"/>:
/// scores rows with the own engine. Immutable and safe to use from many threads; saved and loaded inside the host's model file.
/// </summary>
public sealed class QuantizedModelTransformer : ITransformer, IDisposable
{
    internal const string LoaderSignature = "QuantizedModelScorer";
    internal const string ModelSignature = "QNTMODEL";

    private readonly ScoringModel _model;

    internal QuantizedModelTransformer(IHostEnvironment environment, ScoringModel model)
    {
        Host = environment.Register(nameof(QuantizedModelTransformer));
        _model = model;
    }

    /// <summary>The engine with the model; it can be used without ML.NET. Disposed with this transformer.</summary>
    public QuantizedModel Model => _model.Engine;

    /// <summary>Columns read, with the model inputs that they feed.</summary>
    public ImmutableArray<ScoringInput> Inputs => _model.Columns.Inputs;

    /// <summary>Columns written, with the model outputs that fill them.</summary>
    public ImmutableArray<ScoringOutput> Outputs => _model.Columns.Outputs;

    /// <summary>What the first output means.</summary>
    public ScoringTask Task => _model.Columns.Task;

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    private IHost Host { get; }

    /// <summary>Writes the model alone as an <c>.mlq</c> file, which <see cref="QuantizedModel.Load(string, QuantizedModelOptions)"/> reads without ML.NET.</summary>
    /// <exception cref="QuantizationException">The file cannot be written or does not verify; the target is untouched.</exception>
    public void SaveModel(string path) => _model.Engine.Save(path);

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    /// <inheritdoc/>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoringView(Bind(input.Schema), input);
    }

    /// <summary>Frees the engine's memory once running calls have ended.</summary>
    public void Dispose() => _model.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        BinaryWriter writer = ModelIO.BeginWrite(ctx, ModelSignature, LoaderSignature);
        ScoringModelIO.Write(writer, _model);
    }

    private ScoreMapping Bind(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        try
        {
            return new ScoreMapping(_model, inputSchema);
        }
        catch (ArgumentException exception)
        {
            throw Host.Process(exception);
        }
    }
}
