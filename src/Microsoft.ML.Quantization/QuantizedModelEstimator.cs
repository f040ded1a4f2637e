using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Rows;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>Scores with a model that exists: an <c>.mlq</c> file, or an ONNX file as it is: floats stay floats, a file with its own quantizers runs in integers.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | Known-sized vector of <xref:System.Single>, <xref:System.Byte> or <xref:System.Int64>, as the model's signature says |
/// | Output column data type | Vector of <xref:System.Single>; a scalar and a label by <xref:Microsoft.ML.Quantization.Scoring.ScoringTask> |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class QuantizedModelEstimator : IEstimator<QuantizedModelTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly ModelDocument _document;
    private readonly ImmutableArray<string> _warnings;
    private readonly ScoringColumns _columns;

    internal QuantizedModelEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(nameof(QuantizedModelEstimator));
        _options = options;
        ArgumentException.ThrowIfNullOrEmpty(options.ModelFile);
        (_document, _warnings) = NetworkFiles.ReadModel(options.ModelFile, options.ClassNames, options.Dimensions, QuantizedModel.FindKernels(options.KernelSet));
        _columns = options.Check(_document.Signature);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return ShapePropagation.Apply(_host, inputSchema, _document.Signature, _columns, ClassLabels.Of(_document.Metadata));
    }

    /// <summary>Checks the schema and makes the transformer; looks at no row.</summary>
    public QuantizedModelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShapes.Create(input.Schema));
        using IChannel channel = _host.Start("Fit");
        NetworkFiles.Tell(_warnings, channel);
        var transformer = new QuantizedModelTransformer(_host, new ScoringModel(_document, _columns, _options.ToEngineOptions()));
        try
        {
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }
        catch
        {
            transformer.Dispose();
            throw;
        }
    }

    /// <summary>Options of <see cref="QuantizedModelEstimator"/>.</summary>
    public sealed class Options : ScoringOptions
    {
    }
}
