using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>
/// Trainers of quantized networks; reached by <c>mlContext.Quantization().Trainers</c>. One method a recipe, all of one form, and <see cref="QuantizationAware"/> for everything else.
/// </summary>
public sealed partial class QuantizationTrainersCatalog
{
    private readonly IHostEnvironment _environment;

    internal QuantizationTrainersCatalog(IHostEnvironment environment) => _environment = environment;

    /// <summary>Create a <see cref="QuantizationAwareTrainingEstimator"/> with all options.</summary>
    /// <param name="options">The options.</param>
    public QuantizationAwareTrainingEstimator QuantizationAware(QuantizationAwareTrainingEstimator.Options options) => new(_environment, options);

    /// <summary>Create a <see cref="QuantizationAwareTrainingEstimator"/> that classifies, from a recipe of <see cref="TrainingRecipes"/>.</summary>
    /// <param name="recipe">The recipe's name, for example <c>LSQ</c> or <c>DoReFa</c>.</param>
    /// <param name="network">The float network to begin with: a graph, or the path of a file.</param>
    /// <param name="weightBits">Bits of a weight; 32 keeps them float but in first and last layer, as the recipe's edges say.</param>
    /// <param name="activationBits">Bits of a layer's input; 32 keeps them float but in first and last layer, as the recipe's edges say.</param>
    /// <param name="labelColumnName">Name of the label column, a key.</param>
    /// <param name="featureColumnName">Name of the feature column, a known-size vector of <see cref="float"/>.</param>
    /// <param name="training">Epochs, batch size, optimizer and the rest; null for <see cref="TrainingDefaults"/>.</param>
    public QuantizationAwareTrainingEstimator Recipe(
        string recipe,
        NetworkStart network,
        int weightBits = 4,
        int activationBits = 4,
        string labelColumnName = QuantizationAwareTrainingEstimator.Defaults.LabelColumnName,
        string featureColumnName = ScoringOptions.Defaults.InputColumnName,
        TrainingOptions? training = null)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find(recipe).Scheme(weightBits, activationBits);
        return QuantizationAware(new QuantizationAwareTrainingEstimator.Options
        {
            Network = network.Graph,
            ModelFile = network.File ?? string.Empty,
            Scheme = scheme,
            Task = ScoringTask.MulticlassClassification,
            LabelColumnName = labelColumnName,
            InputColumnName = featureColumnName,
            Training = training ?? TrainingDefaults.For(scheme),
        });
    }
}
