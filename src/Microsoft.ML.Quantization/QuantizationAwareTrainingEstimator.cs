using System;
using System.Collections.Immutable;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Rows;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Training;
using Microsoft.ML.Quantization.TrainingData;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>
/// Trains a network with the quantizers that it will run with: a pretrained ONNX network or one built from scratch becomes an integer network of few bits, whose scores come
/// from the integer engine.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// |  |  |
/// | -- | -- |
/// | Machine learning task | Multiclass classification, regression |
/// | Is normalization required? | No (pixels: give InputScale) |
/// | Is caching required? | No; rows are read once |
/// | Label column data type | [key](xref:Microsoft.ML.Data.KeyDataViewType) type; <xref:System.Single> or a known-sized vector of it for regression |
/// | Feature column data type | Known-sized vector of <xref:System.Single> or <xref:System.Byte> |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class QuantizationAwareTrainingEstimator : IEstimator<QuantizedModelTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly Graph _graph;
    private readonly ImmutableArray<string> _warnings;
    private readonly ModelSignature _signature;
    private readonly ScoringColumns _columns;

    internal QuantizationAwareTrainingEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _host = environment.Register(nameof(QuantizationAwareTrainingEstimator));
        _options = options;
        (Graph read, _warnings) = options.Network is { } given ? (given, []) : NetworkFiles.ReadGraph(options.ModelFile, options.Dimensions);
        _graph = options.Network is null ? TrainableConstants.Mark(read) : read;
        TrainingNetwork.Check(_graph);
        options.Training.Distillation?.Check(options.Loss, _graph);
        if (options.Scheme is { } scheme)
        {
            SchemeSites.Check(_graph, scheme);
        }

        if (options.GivesProbabilities)
        {
            AppendSoftmax.Check(_graph);
        }

        _signature = options.Signature(_graph);
        _columns = options.Check(_signature);
    }

    private int Outputs => ScoringModel.RowLength(_signature.Outputs[0].Shape);

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        try
        {
            LabelColumn.Check(inputSchema, _options.LabelColumnName, _options.Task);
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw _host.Process(exception);
        }

        return ShapePropagation.Apply(_host, inputSchema, _signature, _columns, _options.ClassNames is { } names ? ClassLabels.Of(names) : LabelColumn.Promised(inputSchema, _options.LabelColumnName, _options.Task, Outputs));
    }

    /// <summary>Reads the rows once, trains, lowers and verifies the network.</summary>
    /// <exception cref="QuantizationException">The data, the network or the options do not allow it; the code says why.</exception>
    public QuantizedModelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShapes.Create(input.Schema));
        using IChannel channel = _host.Start("Fit");
        NetworkFiles.Tell(_warnings, channel);
        InputColumns.Check(input.Schema, _columns.Inputs[0].Column, _signature.Inputs[0]);
        LabelColumn.Check(input.Schema, _options.LabelColumnName, _options.Task, Outputs);
        ClassLabels labels = _options.ClassNames is { } given ? ClassLabels.Of(given) : LabelColumn.Labels(input.Schema[_options.LabelColumnName], _options.Task, Outputs);
        using TrainingRows rows = TrainingRows.Read(input, _columns.Inputs[0].Column, _options.LabelColumnName, _signature.Inputs[0], _options.CacheBytes, _options.CancellationToken);
        ModelDocument document = QuantizationAwareFit.Run(_graph, _signature, labels, _options, rows, channel);
        return new QuantizedModelTransformer(_host, new ScoringModel(document, _columns, _options.ToEngineOptions()));
    }

    /// <summary>Default values.</summary>
    public static class Defaults
    {
        /// <summary>Label column.</summary>
        public const string LabelColumnName = "Label";

        /// <summary>Bytes of rows kept in memory; rows beyond go to a temporary file.</summary>
        public const long CacheBytes = 2L << 30;
    }

    // The host's convention: options are public fields.
#pragma warning disable CA1051

    /// <summary>Options of <see cref="QuantizationAwareTrainingEstimator"/>. The feature column is <see cref="ScoringOptions.InputColumnName"/>.</summary>
    public sealed class Options : NetworkOptions
    {
        /// <summary>The float network to begin with, for example from <c>SmallNetworks</c>; null for the ONNX file <see cref="ScoringOptions.ModelFile"/>.</summary>
        public Graph? Network;

        /// <summary>Name of the label column: a key for classification, a number (or a vector of them) for regression. Rows without a label are left out.</summary>
        public string LabelColumnName = QuantizationAwareTrainingEstimator.Defaults.LabelColumnName;

        /// <summary>Whether the scores of a classifier are probabilities (softmax), as log loss and users of ML.NET's trainers expect; false leaves what the network gives. Regression has none.</summary>
        public bool Probabilities = true;

        /// <summary>Which quantizers stand where; null trains and keeps the network float.</summary>
        public QuantizationAwareScheme? Scheme;

        /// <summary>Epochs, batch size, optimizer, schedule, augmentation, validation, checkpoint. Classification may have the loss <see cref="TrainingLoss.SquaredHinge"/>; regression always has <see cref="TrainingLoss.MeanSquaredError"/>.</summary>
        public TrainingOptions Training = new();

        /// <summary>Rows from which quantizers of activations are set, at most.</summary>
        public int InitialRows = 256;

        /// <summary>Bytes of rows kept in memory while training; rows beyond go to a temporary file.</summary>
        public long CacheBytes = QuantizationAwareTrainingEstimator.Defaults.CacheBytes;

        /// <summary>Told after each step.</summary>
        public IProgress<TrainingProgress>? Progress;

        /// <summary>Ends training within one step; the model of the best epoch so far is fitted. While rows are still being read, ends the fit with an <see cref="OperationCanceledException"/>.</summary>
        public CancellationToken CancellationToken;

        internal bool GivesProbabilities => Probabilities && Task == ScoringTask.MulticlassClassification;

        /// <summary>The loss that is trained with.</summary>
        internal TrainingLoss Loss => Task == ScoringTask.Regression ? TrainingLoss.MeanSquaredError : Training.Loss;

        internal void Validate()
        {
            if (Network is null)
            {
                ArgumentException.ThrowIfNullOrEmpty(ModelFile);
            }
            else if (Dimensions is { Count: > 0 })
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidOptions, "Dimensions: expected them with a model file, found them with a network, whose sizes are fixed. Leave them out.");
            }

            ArgumentNullException.ThrowIfNull(Training);
            ArgumentOutOfRangeException.ThrowIfLessThan(CacheBytes, 0);
            ArgumentOutOfRangeException.ThrowIfLessThan(InitialRows, 1);
            (Training with { Loss = Loss }).Check();
            if (Scheme is not null)
            {
                new QuantizationAwareOptions { Scheme = Scheme, Training = Training, InitialRows = InitialRows }.Validate();
            }

            if (Task is not (ScoringTask.MulticlassClassification or ScoringTask.Regression))
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(Task)}: expected MulticlassClassification or Regression, found {Task}.");
            }

            if (Training.Loss == (Task == ScoringTask.Regression ? TrainingLoss.SquaredHinge : TrainingLoss.MeanSquaredError))
            {
                throw new QuantizationException(
                    QuantizationErrorCode.InvalidOptions,
                    $"{nameof(TrainingOptions)}.{nameof(TrainingOptions.Loss)}: expected a loss of {(Task == ScoringTask.Regression ? "numbers" : "classes")} for the task {Task}, found {Training.Loss}. Leave it out, or choose the other task.");
            }
        }
    }
#pragma warning restore CA1051
}
