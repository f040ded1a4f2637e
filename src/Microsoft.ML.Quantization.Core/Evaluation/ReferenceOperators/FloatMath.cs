using System;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Stands in for the functions of Numerics, in double precision rounded once, until those are there.</summary>
internal static class FloatMath
{
    public static float Exp(float x) => (float)Math.Exp(x);

    public static float Log(float x) => (float)Math.Log(x);

    public static float Tanh(float x) => (float)Math.Tanh(x);

    public static float Sigmoid(float x) => (float)(1 / (1 + Math.Exp(-(double)x)));

    public static float Pow(float x, float y) => (float)Math.Pow(x, y);

    /// <summary>The Maclaurin series for |x| below 4, ±1 beyond.</summary>
    public static float Erf(float x)
    {
        if (Math.Abs(x) >= 4 || float.IsNaN(x))
        {
            return float.IsNaN(x) ? x : Math.Sign(x);
        }

        double term = x;
        double sum = x;
        for (int n = 1; n < 100; n++)
        {
            term *= -(double)x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return (float)(2 / Math.Sqrt(Math.PI) * sum);
    }
}
