using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// The forward form of weights of few levels: ŵ = Σ over planes p of fl(value[p][l] · scale[p][group]), added in order, with l = #{ i : w ≥ threshold[group][i] }. These are the bits that
/// the exported codes decode to. NaN stays NaN.
/// </summary>
internal sealed class LevelTable
{
    /// <summary>The scale that stands for 0: a dead filter is this small.</summary>
    public const float SmallestScale = 1e-12f;

    private readonly LevelPlane[] _planes;
    private readonly float[] _thresholds;
    private readonly float[] _levels;
    private readonly int _count;

    /// <summary>Creates the table.</summary>
    /// <param name="thresholds">Ascending in each group, groups side by side.</param>
    /// <param name="planes">All with as many scales as there are groups, and one level more than thresholds.</param>
    public LevelTable(float[] thresholds, params LevelPlane[] planes)
    {
        _planes = [.. planes.Select(p => p with { Scales = [.. p.Scales.Select(Positive)] })];
        _thresholds = thresholds;
        _count = planes[0].Values.Length;
        Groups = planes[0].Scales.Length;
        _levels = new float[Groups * _count];
        for (int i = 0; i < _levels.Length; i++)
        {
            (int group, int level) = (i / _count, i % _count);
            _levels[i] = _planes[0].ValueOf(group, level) * _planes[0].Scales[group];
            for (int p = 1; p < planes.Length; p++)
            {
                _levels[i] += _planes[p].ValueOf(group, level) * _planes[p].Scales[group];
            }
        }
    }

    /// <summary>Groups that have a staircase of their own.</summary>
    public int Groups { get; }

    /// <summary>Signs: ±scale around one threshold a group.</summary>
    public static LevelTable Signs(float[] thresholds, float[] scales) => new(thresholds, LevelPlane.Signs([-1, 1], scales));

    /// <summary>−scale below −Δ, scale above Δ, 0 between and on them.</summary>
    public static LevelTable Ternary(float[] deltas, float[] scales) => new(Around(deltas), LevelPlane.Ternary(scales));

    /// <summary>The nearest of ±levels · scale; the smaller one on a tie.</summary>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="levels">Integers from 0 up, ascending; {1} alone for signs.</param>
    /// <param name="scales">One a group.</param>
    public static LevelTable Nearest(int bits, ReadOnlySpan<float> levels, float[] scales)
    {
        if (levels.Length == 1)
        {
            return Signs(new float[scales.Length], scales);
        }

        float[] all = levels.ToArray();
        int steps = all.Length - 1;
        float[] thresholds = [.. scales.SelectMany(s => Enumerable.Range(0, 2 * steps).Select(i => i < steps
            ? -ScaledLevels.Middle(all, steps - 1 - i, Positive(s))
            : MathF.BitIncrement(ScaledLevels.Middle(all, i - steps, Positive(s)))))];
        int[] values = [.. all.Reverse().Select(l => -(int)l), .. all.Skip(1).Select(l => (int)l)];
        return new LevelTable(thresholds, LevelPlane.Integers(bits, (int)all[^1], values, scales));
    }

    /// <summary>The thresholds −Δ and the next float above Δ.</summary>
    public static float[] Around(float[] deltas) => [.. deltas.SelectMany(d => (float[])[-d, MathF.BitIncrement(d)])];

    /// <summary>The scale of a plane in a group.</summary>
    public float Scale(int plane, int group) => _planes[plane].Scales[group];

    /// <summary>A threshold of a group.</summary>
    public float Threshold(int group, int index) => _thresholds[(group * (_count - 1)) + index];

    /// <summary>The integer of a plane at an element.</summary>
    public int Value(int plane, int group, float w) => _planes[plane].ValueOf(group, LevelOf(group, w));

    /// <summary>y of a run of elements of one group; y may be w.</summary>
    public void Write(ReadOnlySpan<float> w, int group, Span<float> y)
    {
        int first = group * _count;
        int step = group * (_count - 1);
        if (_count == 2)
        {
            LaneMap.Map(new Two(_thresholds[step], _levels[first], _levels[first + 1]), w, y);
        }
        else
        {
            LaneMap.Map(new Many(_thresholds, step, _levels, first, _count - 1), w, y);
        }
    }

    /// <summary>The codes of weights whose elements lie group after group.</summary>
    public HardForm.Weights Export(Shape shape, ReadOnlySpan<float> w)
    {
        int length = w.Length / Groups;
        ImmutableArray<WeightPlane>.Builder result = ImmutableArray.CreateBuilder<WeightPlane>();
        foreach (LevelPlane plane in _planes)
        {
            var quantizer = new AffineQuantization
            {
                Code = plane.Code,
                Range = plane.Range,
                Granularity = Groups == 1 ? Granularity.PerTensor : Granularity.PerAxis,
                Axis = 0,
                Scales = [.. plane.Scales],
                ZeroPoints = ImmutableArray.Create(new int[Groups]),
            };
            Tensor codes = Tensor.Allocate(quantizer.Element, shape);
            for (int i = 0; i < w.Length; i++)
            {
                CodeAccess.Write(codes, i, plane.CodeOf(i / length, LevelOf(i / length, w[i])));
            }

            result.Add(new WeightPlane(codes, quantizer));
        }

        return new HardForm.Weights(result.ToImmutable());
    }

    private static float Positive(float scale) => scale >= SmallestScale ? scale : SmallestScale;

    /// <summary>The level of an element.</summary>
    public int LevelOf(int group, float w)
    {
        int level = 0;
        foreach (float threshold in _thresholds.AsSpan(group * (_count - 1), _count - 1))
        {
            level += w >= threshold ? 1 : 0;
        }

        return level;
    }

    private readonly struct Two(float threshold, float low, float high) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T y = T.Select(T.Less(x, T.Create(threshold)), T.Create(low), T.Create(high));
            return T.Select(T.Same(x, x), y, x);
        }
    }

    private readonly struct Many(float[] thresholds, int step, float[] levels, int first, int count) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T y = T.Create(levels[first]);
            for (int i = 0; i < count; i++)
            {
                y = T.Select(T.Less(x, T.Create(thresholds[step + i])), y, T.Create(levels[first + i + 1]));
            }

            return T.Select(T.Same(x, x), y, x);
        }
    }
}
