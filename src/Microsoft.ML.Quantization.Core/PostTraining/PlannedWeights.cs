using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>Fits the weights of one layer as its plan and the scheme have them: a codebook, groups, channels or the layer.</summary>
internal static class PlannedWeights
{
    /// <summary>The quantizer of a layer's weights; <paramref name="moments"/> weight the errors of a codebook's entries, null for all alike.</summary>
    public static AffineQuantization Fit(Graph clean, LayerPlan layer, Tensor weights, QuantizationScheme scheme, InputMoments? moments)
    {
        if (CodebookTarget.Of(scheme, layer.WeightBits) is { } book)
        {
            double[]? importance = moments?.ImportanceOf(clean.Nodes.First(n => n.Name == layer.Name), weights.Shape);
            return CodebookWeightFitter.Fit(layer.Name, weights, book, importance).Quantization;
        }

        bool grouped = scheme.WeightGranularity == Granularity.PerGroup;
        WeightTarget target = WeightTarget.Symmetric(layer.WeightBits, grouped ? 1 : 0) with
        {
            Granularity = scheme.WeightGranularity,
            GroupSize = layer.GroupSize,
            ScaleBits = grouped ? scheme.GroupScaleBits : 32,
            LeastSquaresRefit = scheme.LeastSquaresRefit,
        };
        return WeightFitter.For(scheme.WeightRange, layer.WeightBits).Fit(layer.Name, weights, target).Quantization;
    }
}
