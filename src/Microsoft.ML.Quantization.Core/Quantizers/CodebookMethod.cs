namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>How the levels of a codebook are found; all minimise Σ h·(w − level)² over the weights of a book.</summary>
public enum CodebookMethod
{
    /// <summary>The global optimum, by dynamic programming over the sorted weights (Wang and Song, 2011; more than 16,384 different weights go into as many bins first).</summary>
    Optimal = 0,

    /// <summary>Lloyd's iteration from centres drawn with probability h·distance² (k-means++; Arthur and Vassilvitskii, 2007).</summary>
    KMeansPlusPlus = 1,

    /// <summary>Lloyd's iteration from the quantiles (j + ½) / K of the weights (density; Han, Mao, Dally, 2016).</summary>
    Quantiles = 2,

    /// <summary>Lloyd's iteration from levels spread evenly between the extremes (linear; Han, Mao, Dally, 2016).</summary>
    Linear = 3,
}
