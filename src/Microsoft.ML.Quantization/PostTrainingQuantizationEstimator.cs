using System;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Rows;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>
/// Quantizes a trained ONNX network: learns the ranges of its activations from the rows that it is fitted on, turns it into an integer network of the wanted widths, and
/// checks that the engine gives bit for bit what the interpreter gives.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | Yes |
/// | Input column data type | Known-sized vector of <xref:System.Single> or <xref:System.Byte>; of <xref:System.Int64> for inputs of indices |
/// | Output column data type | Vector of <xref:System.Single>; a scalar and a label by <xref:Microsoft.ML.Quantization.Scoring.ScoringTask> |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class PostTrainingQuantizationEstimator : IEstimator<QuantizedModelTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly Graph _graph;
    private readonly ImmutableArray<string> _warnings;
    private readonly ModelSignature _signature;
    private readonly ScoringColumns _columns;

    internal PostTrainingQuantizationEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _host = environment.Register(nameof(PostTrainingQuantizationEstimator));
        _options = options;
        (_graph, _warnings) = NetworkFiles.ReadGraph(options.ModelFile, options.Dimensions);
        _signature = options.Signature(_graph);
        _columns = options.Check(_signature);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return ShapePropagation.Apply(_host, inputSchema, _signature, _columns, ClassLabels.Of(_options.ClassNames));
    }

    /// <summary>Reads the rows once, quantizes and verifies the network.</summary>
    /// <exception cref="QuantizationException">The data, the network or the options do not allow it; the code says why.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public QuantizedModelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShapes.Create(input.Schema));
        using IChannel channel = _host.Start("Fit");
        NetworkFiles.Tell(_warnings, channel);
        foreach (ScoringInput source in _columns.Inputs)
        {
            InputColumns.Check(input.Schema, source.Column, _signature.Inputs.Single(i => i.Name == source.ModelInput));
        }

        ModelDocument document = PostTrainingFit.Run(_graph, _signature, _columns, _options, input, channel);
        return new QuantizedModelTransformer(_host, new ScoringModel(document, _columns, _options.ToEngineOptions()));
    }

    /// <summary>Default values.</summary>
    public static class Defaults
    {
        /// <summary>Bits of a weight.</summary>
        public const int WeightBits = 8;

        /// <summary>Bits of an activation.</summary>
        public const int ActivationBits = 8;

        /// <summary>Meaning of the output.</summary>
        public const ScoringTask Task = ScoringTask.Vectors;

        /// <summary>Rows of one calibration batch.</summary>
        public const int CalibrationBatchSize = 32;
    }

    // The host's convention: options are public fields.
#pragma warning disable CA1051

    /// <summary>Options of <see cref="PostTrainingQuantizationEstimator"/>.</summary>
    public sealed class Options : NetworkOptions
    {
        /// <summary>How the network is quantized.</summary>
        public QuantizationScheme Scheme = QuantizationScheme.EightBits;

        /// <summary>Whether a network with quantizers (QuantizeLinear and DequantizeLinear) may be quantized anew; its own are taken out first. <see cref="QuantizationCatalog.ApplyModel(QuantizedModelEstimator.Options)"/> keeps them.</summary>
        public bool AllowQuantized;

        /// <summary>At most this many rows are read for calibration; null for all.</summary>
        public long? MaximumCalibrationRows;

        /// <summary>Rows run at once while calibrating; the result does not depend on it.</summary>
        public int CalibrationBatchSize = PostTrainingQuantizationEstimator.Defaults.CalibrationBatchSize;

        /// <summary>
        /// A file of calibration statistics, or null. If it exists, its rows count in as if they had been read before those of the data; when fitting is done it holds all of them. It
        /// belongs to one network, scheme and range method, and is refused for another.
        /// </summary>
        public string? StatisticsFile;

        /// <summary>What happens to rows with NaN or infinities: fitting fails and names the row, or they are left out up to a limit.</summary>
        public NonFiniteRowPolicy NonFiniteRows;

        /// <summary>Told how far fitting is.</summary>
        public IProgress<QuantizationProgress>? Progress;

        /// <summary>Stops fitting within one batch; nothing is left behind.</summary>
        public CancellationToken CancellationToken;

        internal void Validate()
        {
            ArgumentException.ThrowIfNullOrEmpty(ModelFile);
            ArgumentNullException.ThrowIfNull(Scheme);
            ArgumentOutOfRangeException.ThrowIfLessThan(CalibrationBatchSize, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(MaximumCalibrationRows ?? 1, 1);
            Scheme.Validate();
        }
    }
#pragma warning restore CA1051
}
