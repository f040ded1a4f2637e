using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>Weights to scales and zero points, group by group.</summary>
public abstract class WeightFitter
{
    private static readonly (RangeMethod Method, Func<double, WeightFitter> Create)[] _fitters =
    [
        (RangeMethod.MinMax, static _ => new MinMaxWeightFitter()),
        (RangeMethod.Percentile, static p => new PercentileWeightFitter(p)),
        (RangeMethod.MeanSquaredError, static _ => new MeanSquaredErrorWeightFitter()),
    ];

    /// <summary>The methods that have a fitter.</summary>
    public static ImmutableArray<RangeMethod> Methods { get; } = [.. _fitters.Select(f => f.Method)];

    /// <summary>The method as users name it.</summary>
    public abstract RangeMethod Method { get; }

    /// <summary>The fitter of a range source; <see cref="RangeMethod.Automatic"/> depends on the number of bits.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: a method that is for activations only.</exception>
    public static WeightFitter For(RangeSource source, int bits)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.Check("Range of weights");
        RangeSource chosen = source.ForWeights(bits);
        return Methods.Contains(chosen.Method)
            ? _fitters.First(f => f.Method == chosen.Method).Create(chosen.Parameter)
            : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Range of weights: expected {string.Join(", ", Methods)} or Automatic, found {source}.");
    }

    /// <summary>Fits a tensor.</summary>
    /// <param name="name">The constant's name, for messages.</param>
    /// <param name="weights">Floats.</param>
    /// <param name="target">The codes.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteWeight"/> with the index of the first element that is not finite.</exception>
    public WeightFit Fit(string name, Tensor weights, WeightTarget target)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(target);
        CheckFinite(name, weights);
        AffineQuantization empty = Empty(target);
        WeightGroups groups = WeightGroups.Of(weights, empty);
        var scales = new float[groups.Count];
        var zeros = new int[groups.Count];
        double minMaxError = 0;
        double error = 0;
        (int zeroGroups, int subnormal, int refitted) = (0, 0, 0);
        for (int g = 0; g < groups.Count; g++)
        {
            ReadOnlySpan<float> group = groups[g];
            ClippingRange extremes = Extremes(group);
            AffineParameters plain = target.Parameters(extremes);
            GroupFit fit = extremes.Bound == 0 ? new GroupFit(plain) : FitGroup(group, extremes, target);
            double plainError = WeightError.Sum(group, plain, target.Range);
            double fitError = fit.Parameters == plain ? plainError : WeightError.Sum(group, fit.Parameters, target.Range);
            (scales[g], zeros[g]) = (fit.Parameters.Scale, fit.Parameters.ZeroPoint);
            minMaxError += plainError;
            error += fitError;
            zeroGroups += extremes.Bound == 0 ? 1 : 0;
            subnormal += extremes.Bound != 0 && plain.Scale > 2 * extremes.Bound ? 1 : 0;
            refitted += fit.IsRefitted ? 1 : 0;
        }

        int count = Math.Max(weights.Shape.Count, 1);
        AffineQuantization quantization = empty with { Scales = ImmutableArray.Create(scales), ZeroPoints = ImmutableArray.Create(zeros) };
        return new WeightFit(quantization, Method, minMaxError / count, error / count, zeroGroups, subnormal, refitted);
    }

    /// <summary>Fits one group that holds a value other than zero.</summary>
    /// <param name="group">All its elements.</param>
    /// <param name="extremes">Its smallest and largest value and 0.</param>
    /// <param name="target">The codes.</param>
    protected abstract GroupFit FitGroup(ReadOnlySpan<float> group, ClippingRange extremes, WeightTarget target);

    private static ClippingRange Extremes(ReadOnlySpan<float> group)
    {
        if (group.IsEmpty)
        {
            return default;
        }

        Histogram.Extremes(group, out float low, out float high);
        return new ClippingRange(Math.Min(low, 0), Math.Max(high, 0));
    }

    private static AffineQuantization Empty(WeightTarget target) => new()
    {
        Code = target.Code,
        Range = target.Range,
        Granularity = target.Granularity,
        Axis = target.Axis,
        GroupSize = target.GroupSize,
        Scales = [],
        ZeroPoints = [],
    };

    /// <summary>Refuses weights that are not finite.</summary>
    internal static void CheckFinite(string name, Tensor weights)
    {
        ReadOnlySpan<float> values = weights.Values<float>();
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new QuantizationException(
                    QuantizationErrorCode.NonFiniteWeight,
                    string.Create(CultureInfo.InvariantCulture, $"Weights '{name}' {weights.Shape}: expected finite numbers, found {values[i]} at index {i}. Repair the network, or keep this layer float."));
            }
        }
    }
}
