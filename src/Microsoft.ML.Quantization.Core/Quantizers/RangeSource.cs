using System.Globalization;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>A method that finds clipping ranges, with its one parameter.</summary>
/// <param name="Method">The method.</param>
/// <param name="Parameter">The share p in (0.5, 1] of <see cref="RangeMethod.Percentile"/>; the coefficient in (0, 1] of <see cref="RangeMethod.MovingAverage"/>; otherwise 0.</param>
public sealed record RangeSource(RangeMethod Method, double Parameter = 0)
{
    private const int FewBits = 6;

    /// <summary>Chosen by kind and width.</summary>
    public static RangeSource Automatic { get; } = new(RangeMethod.Automatic);

    /// <summary>Smallest and largest value.</summary>
    public static RangeSource MinMax { get; } = new(RangeMethod.MinMax);

    /// <summary>Least Kullback-Leibler divergence of histograms.</summary>
    public static RangeSource Entropy { get; } = new(RangeMethod.Entropy);

    /// <summary>Least mean squared error.</summary>
    public static RangeSource MeanSquaredError { get; } = new(RangeMethod.MeanSquaredError);

    /// <summary>The range that holds the share <paramref name="share"/> of the values.</summary>
    public static RangeSource Percentile(double share = 0.9999) => new(RangeMethod.Percentile, share);

    /// <summary>m ← m + c·(extreme of the batch − m), the first batch initialises.</summary>
    public static RangeSource MovingAverage(double coefficient = 0.01) => new(RangeMethod.MovingAverage, coefficient);

    /// <summary>The method for weights: <see cref="RangeMethod.Automatic"/> is least squared error up to 6 bits, extremes above.</summary>
    public RangeSource ForWeights(int bits) => Method != RangeMethod.Automatic ? this : bits <= FewBits ? MeanSquaredError : MinMax;

    /// <summary>The method for activations: <see cref="RangeMethod.Automatic"/> is least squared error.</summary>
    public RangeSource ForActivations() => Method == RangeMethod.Automatic ? MeanSquaredError : this;

    /// <inheritdoc/>
    public override string ToString() => Parameter == 0 ? Method.ToString() : string.Create(CultureInfo.InvariantCulture, $"{Method}({Parameter})");

    /// <summary>Checks the parameter.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    internal void Check(string place)
    {
        (bool valid, string expected) = Method switch
        {
            RangeMethod.Percentile => (Parameter is > 0.5 and <= 1, "a share above 0.5 and up to 1"),
            RangeMethod.MovingAverage => (Parameter is > 0 and <= 1, "a coefficient above 0 and up to 1"),
            _ => (System.Enum.IsDefined(Method) && Parameter == 0, "a known method without a parameter"),
        };
        if (!valid)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{place}: expected {expected}, found {this}.");
        }
    }
}
