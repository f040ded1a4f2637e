using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Weights of ABC-Net (Lin et al., 2017): M sign planes B_m = sgn(w − mean + u_m·std), u_m = −1 + 2(m − 1)/(M − 1) (0 for M = 1), deviations over the layer (divided by n), and scales that
/// minimize ‖w − Σ α_m·B_m‖², solved at each step from the normal equations with 1e-6·n on the diagonal; all of it for the layer, as in the paper, or for each output channel. dw = (Σ α_m)·g. Bits are M.
/// </summary>
public sealed record AbcWeights : FewLevelMethod
{
    private const double Ridge = 1e-6;

    /// <summary>Whether each output channel has thresholds and scales of its own: nearer to the weights, M scales a channel.</summary>
    public bool PerChannel { get; init; }

    /// <inheritdoc/>
    public override string Name => "ABC-W";

    /// <summary>M thresholds.</summary>
    public override int LevelCount => Bits + 1;

    /// <summary>True: Σ α_m multiplies the gradient, and is far below 1.</summary>
    public override bool NeedsAdam => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, PerChannel ? 1 : 0];

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => PerChannel ? shape[0] : 1;

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => LaneMap.Map(new Times(((Bases)prepared!).Slopes[GroupAt(call, begin)]), g, dx);

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Solve(call.Values, GroupsOf(call.X.Shape));

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
        => ((Bases)prepared!).Table.Write(call.Values.Slice(begin, y.Length), GroupAt(call, begin), y);

    /// <summary>The scales of the planes of one group.</summary>
    internal double[] Scales(ReadOnlySpan<float> w)
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

        double[,] gram = new double[Bits, Bits];
        double[] right = new double[Bits];
        for (int a = 0; a < Bits; a++)
        {
            right[a] = Enumerable.Range(0, Bits + 1).Sum(l => sums[l] * Sign(a, l));
            for (int b = 0; b < Bits; b++)
            {
                gram[a, b] = Enumerable.Range(0, Bits + 1).Sum(l => counts[l] * Sign(a, l) * Sign(b, l)) + (a == b ? Ridge * w.Length : 0);
            }
        }

        return NormalEquations.Solve(gram, right);
    }

    private protected override LevelTable Table(MethodCall call) => Solve(call.Values, GroupsOf(call.X.Shape)).Table;

    /// <summary>The table of all groups.</summary>
    private Bases Solve(ReadOnlySpan<float> w, int groups)
    {
        int length = w.Length / groups;
        var thresholds = new float[groups * Bits];
        var scales = new double[groups][];
        for (int group = 0; group < groups; group++)
        {
            ReadOnlySpan<float> own = w.Slice(group * length, length);
            Thresholds(own).CopyTo(thresholds, group * Bits);
            scales[group] = Scales(own);
        }

        // A file knows positive scales only: a negative one turns its plane's signs.
        LevelPlane[] planes = [.. Enumerable.Range(0, Bits).Select(m => LevelPlane.Signs(
            [.. Enumerable.Range(0, Bits + 1).Select(l => Sign(m, l))], [.. scales.Select(s => (float)Math.Abs(s[m]))]) with { Directions = [.. scales.Select(s => s[m] < 0 ? -1 : 1)] })];
        return new Bases(new LevelTable(thresholds, planes), [.. scales.Select(s => (float)s.Sum())]);
    }

    /// <summary>Plane m at a level: the last threshold is that of the first plane.</summary>
    private int Sign(int m, int level) => level >= Bits - m ? 1 : -1;

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
    /// <param name="Slopes">Σ α of each group.</param>
    private sealed record Bases(LevelTable Table, ImmutableArray<float> Slopes);

    private readonly struct Times(float factor) : ILaneFunction
    {
        public T Of<T>(T g)
            where T : unmanaged, ILanes<T> => T.Create(factor) * g;
    }
}
