using System;
using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Training;

/// <summary>The factor of the learning rate over the run; a pure function of the place in it.</summary>
public abstract record Schedule
{
    /// <summary>Steps at the start over which the factor rises in a straight line from 1/WarmUpSteps of its value.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>Parts of equal length into which the run is cut; in each the factor runs its whole course anew, warm-up included.</summary>
    public int Restarts { get; init; } = 1;

    /// <summary>Whether its numbers are in their ranges.</summary>
    internal virtual bool IsGood => WarmUpSteps >= 0;

    /// <summary>The factor at a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="stepsPerEpoch">Steps of one epoch.</param>
    /// <param name="epochs">Epochs of the run.</param>
    public double Factor(long step, long stepsPerEpoch, int epochs)
    {
        long steps = Math.Max(1, stepsPerEpoch * epochs);
        double parts = Math.Min(1, (double)step / steps) * Restarts;
        double part = Math.Min(Math.Floor(parts), Restarts - 1);
        long begin = (long)Math.Ceiling(part * steps / Restarts);
        double warm = step - begin < WarmUpSteps ? (step - begin + 1.0) / WarmUpSteps : 1;
        return warm * At(parts - part, (int)((step - begin) / Math.Max(1, stepsPerEpoch)));
    }

    /// <summary>The factor without warm-up.</summary>
    /// <param name="progress">Part of the run done, 0 to 1.</param>
    /// <param name="epoch">From 0.</param>
    protected abstract double At(double progress, int epoch);
}

/// <summary>Always 1.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    protected override double At(double progress, int epoch) => 1;
}

/// <summary>Multiplied by <paramref name="Gamma"/> at each of the epochs.</summary>
/// <param name="Epochs">Epochs, from 0, at whose start the factor falls.</param>
/// <param name="Gamma">The factor, finite and from 0.</param>
public sealed record StepSchedule(ImmutableArray<int> Epochs, double Gamma = 0.1) : Schedule
{
    /// <inheritdoc/>
    internal override bool IsGood => base.IsGood && !Epochs.IsDefault && Gamma >= 0 && double.IsFinite(Gamma);

    /// <inheritdoc/>
    protected override double At(double progress, int epoch)
    {
        double factor = 1;
        foreach (int at in Epochs)
        {
            factor = epoch >= at ? factor * Gamma : factor;
        }

        return factor;
    }
}

/// <summary>In a straight line from 1 to <paramref name="Last"/>.</summary>
/// <param name="Last">The factor at the end, finite and from 0.</param>
public sealed record LinearSchedule(double Last = 0) : Schedule
{
    /// <inheritdoc/>
    internal override bool IsGood => base.IsGood && Last >= 0 && double.IsFinite(Last);

    /// <inheritdoc/>
    protected override double At(double progress, int epoch) => 1 + ((Last - 1) * progress);
}

/// <summary>Last + (1 − Last)·(1 + cos πp)/2 (Loshchilov and Hutter, 2017, without restarts).</summary>
/// <param name="Last">The factor at the end, finite and from 0.</param>
public sealed record CosineSchedule(double Last = 0) : Schedule
{
    private const int Terms = 14;

    /// <inheritdoc/>
    internal override bool IsGood => base.IsGood && Last >= 0 && double.IsFinite(Last);

    /// <inheritdoc/>
    protected override double At(double progress, int epoch) => Last + ((1 - Last) * 0.5 * (1 + Cosine(Math.PI * progress)));

    /// <summary>cos x for x in [0, π] by its power series: additions and products only, so the same bits everywhere.</summary>
    private static double Cosine(double x)
    {
        double term = 1;
        double sum = 1;
        for (int i = 1; i <= Terms; i++)
        {
            term *= -(x * x) / ((2.0 * i) * ((2.0 * i) - 1));
            sum += term;
        }

        return sum;
    }
}
