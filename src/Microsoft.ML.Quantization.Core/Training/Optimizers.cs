using System;
using System.Numerics;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Training;

/// <summary>How a step follows from a gradient: <see cref="Sgd"/>, <see cref="Adam"/>, <see cref="AdaMax"/>, <see cref="ShiftAdaMax"/>, <see cref="Extragradient"/>. Immutable; what it remembers of a constant lies in slots beside it, so that it is saved and resumed like the constants.</summary>
public abstract record Optimizer
{
    /// <summary>Values remembered for each trained value.</summary>
    public abstract int Slots { get; }

    /// <summary>The slot that holds a moving average of squared gradients; −1 where none does.</summary>
    internal virtual int SquaresSlot => -1;

    /// <summary>Whether a step counts the gradient where plain descent would lead from here, found by a second pass over the same rows.</summary>
    internal virtual bool LooksAhead => false;

    /// <summary>Whether its numbers are in their ranges.</summary>
    internal virtual bool IsGood => true;

    /// <summary>One step.</summary>
    /// <param name="values">The constant, replaced.</param>
    /// <param name="gradient">Its gradient, decay included.</param>
    /// <param name="slots">The remembered values, one memory a slot, zeros before the first step.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="step">From 1.</param>
    internal abstract void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step);

    /// <summary>b^n by repeated squaring in double: the same bits everywhere.</summary>
    internal static double Power(double b, long n)
    {
        double result = 1;
        for (; n > 0; n >>= 1, b *= b)
        {
            result = (n & 1) == 1 ? result * b : result;
        }

        return result;
    }
}

/// <summary>Gradient descent: v = momentum·v + g; w −= rate·v, or rate·(g + momentum·v) with Nesterov's look ahead (Sutskever et al., 2013). Rates about 0.01 to 0.1.</summary>
/// <param name="Momentum">Share of the last step that goes on, in [0, 1); 0 is plain descent.</param>
/// <param name="Nesterov">Whether the step looks ahead.</param>
public sealed record Sgd(float Momentum = 0.9f, bool Nesterov = false) : Optimizer
{
    /// <inheritdoc/>
    public override int Slots => 1;

    /// <inheritdoc/>
    internal override bool IsGood => Momentum is >= 0 and < 1;

    /// <inheritdoc/>
    internal override void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step)
    {
        Span<float> velocity = slots[0].Span;
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var g = new Vector<float>(gradient[i..]);
            Vector<float> v = (new Vector<float>(velocity[i..]) * Momentum) + g;
            v.CopyTo(velocity[i..]);
            (new Vector<float>(values[i..]) - ((Nesterov ? g + (v * Momentum) : v) * rate)).CopyTo(values[i..]);
        }

        for (; i < values.Length; i++)
        {
            float v = (Momentum * velocity[i]) + gradient[i];
            velocity[i] = v;
            values[i] -= rate * (Nesterov ? gradient[i] + (Momentum * v) : v);
        }
    }
}

/// <summary>
/// The extragradient (Korpelevich, 1976), which ADMM's inner problem is solved with (Leng et al., 2018): w′ = w − rate·g(w), then w −= rate·g(w′). Two passes a step; statistics and ranges are measured in the first.
/// </summary>
public sealed record Extragradient : Optimizer
{
    /// <inheritdoc/>
    public override int Slots => 0;

    /// <inheritdoc/>
    internal override bool LooksAhead => true;

    /// <inheritdoc/>
    internal override void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(values[i..]) - (new Vector<float>(gradient[i..]) * rate)).CopyTo(values[i..]);
        }

        for (; i < values.Length; i++)
        {
            values[i] -= rate * gradient[i];
        }
    }
}

/// <summary>
/// Adam (Kingma and Ba, 2015, algorithm 1): m, v moving averages of g and g²; w −= rate/(1 − β₁ᵗ) · m / (√(v/(1 − β₂ᵗ)) + ε),
/// t counting the run's steps from 1. A step is about the rate long whatever the gradient's size: rates about 0.001 to 0.01. Decay is part of g, not decoupled.
/// </summary>
/// <param name="Beta1">β₁, share of the old mean of gradients, in [0, 1).</param>
/// <param name="Beta2">β₂, share of the old mean of squares, in [0, 1).</param>
/// <param name="Epsilon">ε, above 0, in units of a gradient; keeps steps of constants without gradient at 0.</param>
public sealed record Adam(float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f) : Optimizer
{
    /// <inheritdoc/>
    public override int Slots => 2;

    /// <inheritdoc/>
    internal override int SquaresSlot => 1;

    /// <inheritdoc/>
    internal override bool IsGood => Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1 && Epsilon > 0;

    /// <inheritdoc/>
    internal override void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step)
    {
        Span<float> m = slots[0].Span;
        Span<float> v = slots[1].Span;
        float first = (float)(rate / (1 - Power(Beta1, step)));
        float second = (float)(1 / (1 - Power(Beta2, step)));
        for (int i = 0; i < values.Length; i++)
        {
            m[i] = (Beta1 * m[i]) + ((1 - Beta1) * gradient[i]);
            v[i] = (Beta2 * v[i]) + ((1 - Beta2) * (gradient[i] * gradient[i]));
            values[i] -= first * (m[i] / (MathF.Sqrt(v[i] * second) + Epsilon));
        }
    }
}

/// <summary>AdaMax (Kingma and Ba, 2015, algorithm 2): m as in <see cref="Adam"/>, u = max(β₂·u, |g|); w −= rate/(1 − β₁ᵗ) · m/(u + ε).</summary>
/// <param name="Beta1">β₁, share of the old mean of gradients, in [0, 1).</param>
/// <param name="Beta2">β₂, by which the largest size so far shrinks a step, in [0, 1).</param>
/// <param name="Epsilon">ε, above 0; the paper has none, it keeps 0/0 away.</param>
public sealed record AdaMax(float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f) : Optimizer
{
    /// <inheritdoc/>
    public override int Slots => 2;

    /// <inheritdoc/>
    internal override bool IsGood => Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1 && Epsilon > 0;

    /// <inheritdoc/>
    internal override void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step)
    {
        Span<float> m = slots[0].Span;
        Span<float> u = slots[1].Span;
        float first = (float)(rate / (1 - Power(Beta1, step)));
        for (int i = 0; i < values.Length; i++)
        {
            m[i] = (Beta1 * m[i]) + ((1 - Beta1) * gradient[i]);
            float kept = Beta2 * u[i];
            float size = MathF.Abs(gradient[i]);
            u[i] = size > kept ? size : kept;
            values[i] -= first * (m[i] / (u[i] + Epsilon));
        }
    }
}

/// <summary>
/// AdaMax by shifts (Hubara et al., 2016, algorithm 4): m = β₁·m + (1 − β₁)·g; u = max(β₂·u, |g|); w −= p(rate/(1 − β₁ᵗ)) · m · p(1/u), p the nearest power of two in the logarithm. Where u is 0 nothing moves.
/// </summary>
/// <param name="Beta1">β₁, share of the old mean of gradients, in [0, 1); 1 − 2⁻³ in the paper.</param>
/// <param name="Beta2">β₂, by which the largest size so far shrinks a step, in [0, 1); 1 − 2⁻¹⁰ in the paper.</param>
public sealed record ShiftAdaMax(float Beta1 = 0.875f, float Beta2 = 0.9990234375f) : Optimizer
{
    /// <inheritdoc/>
    public override int Slots => 2;

    /// <inheritdoc/>
    internal override bool IsGood => Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1;

    /// <inheritdoc/>
    internal override void Step(Span<float> values, ReadOnlySpan<float> gradient, Memory<float>[] slots, float rate, long step)
    {
        Span<float> m = slots[0].Span;
        Span<float> u = slots[1].Span;
        float first = PowerOfTwo.Nearest((float)(rate / (1 - Power(Beta1, step))));
        for (int i = 0; i < values.Length; i++)
        {
            m[i] = (Beta1 * m[i]) + ((1 - Beta1) * gradient[i]);
            float kept = Beta2 * u[i];
            float size = MathF.Abs(gradient[i]);
            u[i] = size > kept ? size : kept;
            values[i] -= u[i] > 0 ? first * m[i] * PowerOfTwo.Nearest(1 / u[i]) : 0;
        }
    }
}

/// <summary>Constants trained with a rate and decay of their own; the first group whose pattern fits a constant's name counts.</summary>
/// <param name="Pattern">A name, or a regular expression that must match the whole name.</param>
/// <param name="RateFactor">Multiplies the learning rate; 0 keeps the constants as they are.</param>
/// <param name="Decay">λ of the term λ·w added to the gradient.</param>
public sealed record ParameterGroup(string Pattern, float RateFactor = 1, float Decay = 0);
