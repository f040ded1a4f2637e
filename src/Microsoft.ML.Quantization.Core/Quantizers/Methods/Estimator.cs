using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// A straight-through estimator: the function φ' that takes the place of the derivative of a hard quantizer, which is zero almost everywhere. ∂loss/∂x = g·φ'(x). A value: it stands in
/// the options of a method as three numbers. Borders count as inside for <see cref="Clip"/>, so that a latent weight kept in a box still moves on its wall.
/// </summary>
/// <param name="Kind">The family.</param>
/// <param name="First">lo, top, β, the first t, or the order; see the factories.</param>
/// <param name="Second">hi, the last t, or Δ.</param>
public readonly partial record struct Estimator(EstimatorKind Kind, float First = 0, float Second = 0)
{
    /// <summary>φ' = 1.</summary>
    public static Estimator Identity => new(EstimatorKind.Identity);

    /// <summary>φ' = 1 where 0 &lt; x.</summary>
    public static Estimator Rectifier => new(EstimatorKind.Rectifier);

    /// <summary>φ' = max(0, 2 − 2|x|).</summary>
    public static Estimator Polynomial => new(EstimatorKind.Polynomial);

    /// <summary>The numbers by which <see cref="Of"/> makes an equal value.</summary>
    public ImmutableArray<float> Settings => [(float)Kind, First, Second];

    /// <summary>Where φ' vanishes beyond ±this; infinite where it does not. Latent weights that are kept in a box are kept in this one.</summary>
    public float Bound => Kind switch
    {
        EstimatorKind.Window => Math.Max(Math.Abs(First), Math.Abs(Second)),
        EstimatorKind.Polynomial => 1,
        EstimatorKind.Tents => 2 * Second,
        _ => float.PositiveInfinity,
    };

    /// <summary>φ' = 1 where |x| ≤ bound: the hard tanh of binarized networks.</summary>
    public static Estimator Clip(float bound = 1) => new(EstimatorKind.Window, -bound, bound);

    /// <summary>φ' = 1 where low ≤ x ≤ high.</summary>
    public static Estimator Window(float low, float high) => new(EstimatorKind.Window, low, high);

    /// <summary>φ' = 1 where 0 &lt; x ≤ top.</summary>
    public static Estimator ClippedRectifier(float top) => new(EstimatorKind.ClippedRectifier, top);

    /// <summary>φ' = 1 where 0 &lt; x ≤ top, 1/(x − top + 1) beyond.</summary>
    public static Estimator LogTail(float top) => new(EstimatorKind.LogTail, top);

    /// <summary>The derivative of 2·S(βx)·(1 + βx·(1 − S(βx))) − 1, S the sigmoid.</summary>
    public static Estimator Swish(float beta = 5) => new(EstimatorKind.Swish, beta);

    /// <summary>φ' = k·t·(1 − tanh²(t·x)), t = first·(last/first)^progress of the run, k = max(1/t, 1).</summary>
    public static Estimator Tanh(float first = 0.1f, float last = 10) => new(EstimatorKind.Tanh, first, last);

    /// <summary>Two tents around ±delta, zero beyond 2·delta; order 2 gives straight sides.</summary>
    public static Estimator Tents(float delta, int order = 2) => new(EstimatorKind.Tents, order, delta);

    /// <summary>From three numbers of <see cref="Settings"/>.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: another count, an unknown family, or numbers out of its range.</exception>
    public static Estimator Of(ReadOnlySpan<float> settings)
    {
        Estimator made = settings.Length == 3 ? new((EstimatorKind)settings[0], settings[1], settings[2]) : new((EstimatorKind)(-1));
        return made.Check();
    }

    /// <summary>The estimator of one moment: a t that rises over the run is fixed to the place's.</summary>
    public Estimator At(MethodContext place)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (Kind != EstimatorKind.Tanh || First == Second)
        {
            return this;
        }

        float t = First * FloatMath.Pow(Second / First, (float)place.Progress);
        return this with { First = t, Second = t };
    }

    /// <summary>Refuses an unknown family and numbers out of its range.</summary>
    /// <returns>This value.</returns>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public Estimator Check()
    {
        bool isValid = Kind switch
        {
            EstimatorKind.Identity or EstimatorKind.Rectifier or EstimatorKind.Polynomial => true,
            EstimatorKind.Window => First < Second,
            EstimatorKind.ClippedRectifier or EstimatorKind.LogTail or EstimatorKind.Swish => First > 0,
            EstimatorKind.Tanh => First > 0 && Second > 0,
            EstimatorKind.Tents => First is >= 2 and <= 8 && First == MathF.Floor(First) && Second > 0,
            _ => false,
        };
        return isValid && !float.IsNaN(First) && float.IsFinite(Second)
            ? this
            : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"Estimator: expected a family with its numbers, found {(int)Kind}, {First}, {Second}."));
    }
}
