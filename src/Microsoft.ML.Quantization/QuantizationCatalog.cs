using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>Estimators of quantization; reached by <c>mlContext.Quantization()</c>.</summary>
public sealed class QuantizationCatalog
{
    private readonly IHostEnvironment _environment;

    internal QuantizationCatalog(MLContext context)
    {
        _environment = context;
        Trainers = new QuantizationTrainersCatalog(context);
    }

    /// <summary>Trainers of quantized networks.</summary>
    public QuantizationTrainersCatalog Trainers { get; }

    /// <summary>Create a <see cref="PostTrainingQuantizationEstimator"/>, which quantizes a trained ONNX network with ranges learned from the data that it is fitted on.</summary>
    /// <param name="outputColumnName">Name of the column resulting from scoring <paramref name="inputColumnName"/>. This column's data type will be a vector of <see cref="float"/>.</param>
    /// <param name="inputColumnName">Name of column to score: a known-size vector of <see cref="float"/> or <see cref="byte"/>. If null, <paramref name="outputColumnName"/> is used as source.</param>
    /// <param name="modelFile">The ONNX file.</param>
    /// <param name="weightBits">Bits of a weight, 2 to 8.</param>
    /// <param name="activationBits">Bits of an input of a convolution or dense layer, 2 to 8.</param>
    /// <param name="task">What the model's output means.</param>
    public PostTrainingQuantizationEstimator PostTraining(
        string outputColumnName,
        string? inputColumnName,
        string modelFile,
        int weightBits = PostTrainingQuantizationEstimator.Defaults.WeightBits,
        int activationBits = PostTrainingQuantizationEstimator.Defaults.ActivationBits,
        ScoringTask task = PostTrainingQuantizationEstimator.Defaults.Task)
        => PostTraining(new PostTrainingQuantizationEstimator.Options
        {
            ModelFile = modelFile,
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName ?? outputColumnName,
            Task = task,
            Scheme = new QuantizationScheme { WeightBits = weightBits, ActivationBits = activationBits },
        });

    /// <summary>Create a <see cref="PostTrainingQuantizationEstimator"/> with all options.</summary>
    /// <param name="options">The options.</param>
    public PostTrainingQuantizationEstimator PostTraining(PostTrainingQuantizationEstimator.Options options) => new(_environment, options);

    /// <summary>Create a <see cref="QuantizedModelEstimator"/>, which scores with a model that exists: an <c>.mlq</c> file, or an ONNX file as it is (floats stay floats, a file with its own quantizers runs in integers).</summary>
    /// <param name="outputColumnName">Name of the column resulting from scoring <paramref name="inputColumnName"/>. This column's data type will be a vector of <see cref="float"/>.</param>
    /// <param name="inputColumnName">Name of column to score. If null, <paramref name="outputColumnName"/> is used as source.</param>
    /// <param name="modelFile">The file.</param>
    /// <param name="task">What the model's output means.</param>
    public QuantizedModelEstimator ApplyModel(string outputColumnName, string? inputColumnName, string modelFile, ScoringTask task = ScoringTask.Vectors)
        => ApplyModel(new QuantizedModelEstimator.Options
        {
            ModelFile = modelFile,
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName ?? outputColumnName,
            Task = task,
        });

    /// <summary>Create a <see cref="QuantizedModelEstimator"/> with all options.</summary>
    /// <param name="options">The options.</param>
    public QuantizedModelEstimator ApplyModel(QuantizedModelEstimator.Options options) => new(_environment, options);
}
