using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>Small symmetric positive definite systems by Cholesky's decomposition.</summary>
internal static class NormalEquations
{
    /// <summary>x with a·x = b; a is overwritten.</summary>
    public static double[] Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        double[] x = [.. b];
        for (int j = 0; j < n; j++)
        {
            for (int k = 0; k < j; k++)
            {
                for (int i = j; i < n; i++)
                {
                    a[i, j] -= a[i, k] * a[j, k];
                }
            }

            double root = Math.Sqrt(Math.Max(a[j, j], double.Epsilon));
            for (int i = j; i < n; i++)
            {
                a[i, j] /= root;
            }
        }

        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++)
            {
                x[i] -= a[i, k] * x[k];
            }

            x[i] /= a[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
            {
                x[i] -= a[k, i] * x[k];
            }

            x[i] /= a[i, i];
        }

        return x;
    }
}
