using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Weights of ABC-Net (Lin et al., 2017): M sign planes B_m = sgn(w − mean + u_m·std), u_m = −1 + 2(m − 1)/(M − 1) (0 for M = 1), deviations over the layer (divided by n), and scales that
/// minimize ‖w − Σ α_m·B_m‖², solved at each step from the normal equations with 1e-6·n on the diagonal. dw = (Σ α_m)·g. Bits are M.
/// </summary>
public sealed record AbcWeights : FewLevelMethod
{
    private const double Ridge = 1e-6;

    /// <inheritdoc/>
    public override string Name => "ABC-W";

    /// <summary>M thresholds.</summary>
    public override int LevelCount => Bits + 1;

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => LaneMap.Map(new Times(((Bases)prepared!).Slope), g, dx);

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Solve(call.Values);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y) => ((Bases)prepared!).Table.Write(call.Values.Slice(begin, y.Length), 0, y);

    /// <summary>The scales of the planes and the table that they make.</summary>
    internal Bases Solve(ReadOnlySpan<float> w)
    {
        float[] thresholds = Thresholds(w);
        double[] counts = new double[Bits + 1];
        double[] sums = new double[Bits + 1];
        foreach (float value in w)
        {
            int level = 0;
            foreach (float threshold in thresholds)
            {
                level += value >= threshold ? 1 : 0;
            }

            counts[level]++;
            sums[level] += value;
        }

        int[][] signs = [.. Enumerable.Range(0, Bits).Select(m => Enumerable.Range(0, Bits + 1).Select(l => l >= Bits - m ? 1 : -1).ToArray())];
        double[,] gram = new double[Bits, Bits];
        double[] right = new double[Bits];
        for (int a = 0; a < Bits; a++)
        {
            right[a] = Enumerable.Range(0, Bits + 1).Sum(l => sums[l] * signs[a][l]);
            for (int b = 0; b < Bits; b++)
            {
                gram[a, b] = Enumerable.Range(0, Bits + 1).Sum(l => counts[l] * signs[a][l] * signs[b][l]) + (a == b ? Ridge * w.Length : 0);
            }
        }

        double[] scales = NormalEquations.Solve(gram, right);

        // A file knows positive scales only: a negative one turns its plane's signs.
        LevelPlane[] planes = [.. scales.Select((s, m) => LevelPlane.Signs([.. signs[m].Select(v => s < 0 ? -v : v)], [(float)Math.Abs(s)]))];
        return new Bases(new LevelTable(thresholds, planes), [.. scales.Select(s => (float)s)], (float)scales.Sum());
    }

    private protected override LevelTable Table(MethodCall call) => Solve(call.Values).Table;

    /// <summary>Ascending: plane M first.</summary>
    private float[] Thresholds(ReadOnlySpan<float> w)
    {
        double mean = FloatReduction.Sum(w) / (double)w.Length;
        double deviation = Math.Max(1e-6, Math.Sqrt(FloatReduction.SumSquaredDifferences(w, (float)mean) / (double)w.Length));
        return [.. Enumerable.Range(0, Bits).Select(j => (float)(mean - (Shift(Bits - 1 - j) * deviation)))];
    }

    private double Shift(int m) => Bits == 1 ? 0 : -1 + (2.0 * m / (Bits - 1));

    /// <summary>What a step needs of the weights.</summary>
    /// <param name="Table">The levels.</param>
    /// <param name="Scales">α.</param>
    /// <param name="Slope">Σ α.</param>
    internal sealed record Bases(LevelTable Table, ImmutableArray<float> Scales, float Slope);

    private readonly struct Times(float factor) : ILaneFunction
    {
        public T Of<T>(T g)
            where T : unmanaged, ILanes<T> => T.Create(factor) * g;
    }
}
