using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Normalizers.</summary>
public static class NormalizationCatalog
{
    public static NormalizingEstimator NormalizeMinMax(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName = null, long maximumExampleCount = 1000000000, bool fixZero = true)
        => new(catalog.GetEnvironment(), TransformExtensionsCatalog.Pairs(outputColumnName, inputColumnName), maximumExampleCount, s => s.MinMax(fixZero));

    public static NormalizingEstimator NormalizeMinMax(
        this TransformsCatalog catalog, InputOutputColumnPair[] columns, long maximumExampleCount = 1000000000, bool fixZero = true)
        => new(catalog.GetEnvironment(), TransformExtensionsCatalog.Pairs(columns), maximumExampleCount, s => s.MinMax(fixZero));

    public static NormalizingEstimator NormalizeMeanVariance(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName = null, long maximumExampleCount = 1000000000, bool fixZero = true)
        => new(catalog.GetEnvironment(), TransformExtensionsCatalog.Pairs(outputColumnName, inputColumnName), maximumExampleCount, s => s.MeanVariance(fixZero));
}
