using System;
using System.Linq;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>All sums of a basis, sorted, with the bits that give each.</summary>
internal sealed class BasisLevels
{
    private const double Regularization = 1e-4;
    private const int Share = 8192;

    private readonly int[] _codes;
    private readonly bool _signed;

    private BasisLevels(float[] basis, bool signed, int[] codes, StairTable table) => (Basis, _signed, _codes, Table) = (basis, signed, codes, table);

    /// <summary>v, no element nearer to 0 than a scale may be.</summary>
    public float[] Basis { get; }

    /// <summary>Levels and the midpoints between them.</summary>
    public StairTable Table { get; }

    /// <summary>The levels of a basis; e is −1 or 1, or 0 or 1.</summary>
    public static BasisLevels Of(ReadOnlySpan<float> basis, bool signed)
    {
        float[] v = basis.ToArray();
        for (int j = 0; j < v.Length; j++)
        {
            v[j] = Math.Abs(v[j]) < UniformGrid.SmallestStep ? UniformGrid.SmallestStep : v[j];
        }

        int[] codes = [.. Enumerable.Range(0, 1 << v.Length).OrderBy(c => Level(v, c, signed))];
        float[] levels = [.. codes.Select(c => Level(v, c, signed))];
        return new BasisLevels(v, signed, codes, new StairTable([.. levels.Skip(1).Zip(levels, (above, below) => (below + above) / 2)], levels));
    }

    /// <summary>Bit j of the code of a value, turned round where vⱼ is negative.</summary>
    public int Bit(float value, int j)
    {
        int index = 0;
        foreach (float threshold in Table.Thresholds)
        {
            index += value >= threshold ? 1 : 0;
        }

        int bit = (_codes[index] >> j) & 1;
        return Basis[j] < 0 ? 1 - bit : bit;
    }

    /// <summary>basis ← m·basis + (1 − m)·v*, v* the basis of least square error for the codes that x has now. Zeros, NaN and infinities leave it as it is.</summary>
    public void Improve(ReadOnlySpan<float> x, float momentum, Span<float> basis)
    {
        (double[] counts, double[] sums) = Count(x);
        if (!Array.TrueForAll(sums, double.IsFinite) || Array.TrueForAll(sums, s => s == 0))
        {
            return;
        }

        int k = Basis.Length;
        var matrix = new double[k, k];
        var right = new double[k];
        for (int i = 0; i < k; i++)
        {
            matrix[i, i] = Regularization;
            right[i] = Regularization * Basis[i];
        }

        for (int level = 0; level < counts.Length; level++)
        {
            for (int i = 0; i < k; i++)
            {
                right[i] += Sign(level, i) * sums[level];
                for (int j = 0; j < k; j++)
                {
                    matrix[i, j] += Sign(level, i) * Sign(level, j) * counts[level];
                }
            }
        }

        Solve(matrix, right);
        for (int i = 0; i < k; i++)
        {
            basis[i] = (float)((momentum * (double)Basis[i]) + ((1 - (double)momentum) * right[i]));
        }
    }

    /// <summary>Σ in the order of the planes, as their decoded sum is formed.</summary>
    private static float Level(float[] basis, int code, bool signed)
    {
        float sum = 0;
        for (int j = 0; j < basis.Length; j++)
        {
            bool isSet = ((code >> j) & 1) == 1;
            float term = isSet ? basis[j] : signed ? -basis[j] : 0;
            sum = j == 0 ? term : sum + term;
        }

        return sum + 0f;
    }

    /// <summary>Cholesky's method, in place.</summary>
    private static void Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[i, j];
                for (int m = 0; m < j; m++)
                {
                    sum -= a[i, m] * a[j, m];
                }

                a[i, j] = i == j ? Math.Sqrt(sum) : sum / a[j, j];
            }
        }

        for (int i = 0; i < n; i++)
        {
            for (int m = 0; m < i; m++)
            {
                b[i] -= a[i, m] * b[m];
            }

            b[i] /= a[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int m = i + 1; m < n; m++)
            {
                b[i] -= a[m, i] * b[m];
            }

            b[i] /= a[i, i];
        }
    }

    /// <summary>Values at each level and their sum, in shares of 8192 added in double.</summary>
    private (double[] Counts, double[] Sums) Count(ReadOnlySpan<float> x)
    {
        var counts = new double[Table.Levels.Length];
        var sums = new double[Table.Levels.Length];
        for (int begin = 0; begin < x.Length; begin += Share)
        {
            ReadOnlySpan<float> part = x.Slice(begin, Math.Min(Share, x.Length - begin));
            for (int level = 0; level < counts.Length; level++)
            {
                (double count, double sum) = Stairs.Above(part, level == 0 ? float.NegativeInfinity : Table.Thresholds[level - 1]);
                counts[level] += count;
                sums[level] += sum;
            }
        }

        for (int level = 0; level < counts.Length - 1; level++)
        {
            counts[level] -= counts[level + 1];
            sums[level] -= sums[level + 1];
        }

        return (counts, sums);
    }

    private double Sign(int level, int j)
    {
        bool isSet = ((_codes[level] >> j) & 1) == 1;
        return isSet ? 1 : _signed ? -1 : 0;
    }
}
