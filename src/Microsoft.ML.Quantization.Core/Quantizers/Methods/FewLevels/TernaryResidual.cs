using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Ternary residual networks (Kundu et al., 2017): ŵ = Σ α_k·T_k, each term the exact ternary form of what the terms before it leave, in each block: an output channel, or a run of its input
/// channels. Bits are 2 a term; a block has fewer terms where its relative error ‖w − ŵ‖/‖w‖ is small enough before. Terms are ordered, so that the last ones can be left out. Gradients pass unchanged.
/// </summary>
/// <remarks>Each run of input channels and each term is a plane of its own in the engine, zero elsewhere: blocks cost as many products as there are of them, and more than 25 planes leave a layer in float.</remarks>
public sealed record TernaryResidual : QuantizationMethod
{
    /// <summary>Input channels of a block (64 in the paper); 0 for all of them.</summary>
    public int BlockChannels { get; init; }

    /// <summary>The relative error at which a block needs no further term, in [0, 1); 0 gives every block all terms.</summary>
    public float Tolerance { get; init; }

    /// <inheritdoc/>
    public override string Name => "TernaryResidual";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, BlockChannels, Tolerance];

    /// <summary>Levels of a channel; unbounded where its blocks have levels of their own.</summary>
    public override int LevelCount => BlockChannels == 0 ? base.LevelCount : int.MaxValue;

    private int Terms => Bits / 2;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(BlockChannels >= 0 && Tolerance is >= 0 and < 1, this);

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Fit(call).Terms;

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var terms = (LevelTable?[][])prepared!;
        int length = call.X.Shape.CountOf(1, call.X.Shape.Rank);
        int run = Run(call.X.Shape);
        for (int done = 0; done < y.Length;)
        {
            int at = begin + done;
            int inside = at % length;
            int count = Math.Min(Math.Min(((inside / run) + 1) * run, length) - inside, y.Length - done);
            Write(terms[Block(at, length, run)], call.Values.Slice(at, count), y.Slice(done, count));
            done += count;
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <summary>A plane for each term and each run of input channels.</summary>
    public override HardForm Export(MethodCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        (LevelTable?[][] terms, sbyte[][] codes) = Fit(call);
        Shape shape = call.X.Shape;
        int length = shape.CountOf(1, shape.Rank);
        int run = Run(shape);
        int runs = (length + run - 1) / run;
        ImmutableArray<WeightPlane>.Builder planes = ImmutableArray.CreateBuilder<WeightPlane>();
        for (int i = 0; i < Terms * runs; i++)
        {
            (int term, int part) = (i / runs, i % runs);
            float[] scales = [.. Enumerable.Range(0, shape[0]).Select(c => terms[(c * runs) + part][term]?.Scale(0, 0) ?? LevelTable.SmallestScale)];
            sbyte[] own = [.. codes[term].Select((code, at) => at % length / run == part ? code : (sbyte)0)];
            planes.Add(new WeightPlane(Tensor.Create<sbyte>(shape, own), HardForms.Symmetric(2, true, new IntegerRange(-1, 1), scales)));
        }

        return new HardForm.Weights(planes.ToImmutable());
    }

    /// <summary>The terms of every block (null from where it needs no more), and the codes of every term.</summary>
    private (LevelTable?[][] Terms, sbyte[][] Codes) Fit(MethodCall call)
    {
        int length = call.X.Shape.CountOf(1, call.X.Shape.Rank);
        int run = Run(call.X.Shape);
        int runs = (length + run - 1) / run;
        var terms = new LevelTable?[call.X.Shape[0] * runs][];
        sbyte[][] codes = [.. Enumerable.Range(0, Terms).Select(_ => new sbyte[call.Values.Length])];
        for (int block = 0; block < terms.Length; block++)
        {
            int begin = (block / runs * length) + (block % runs * run);
            int count = Math.Min(run, length - (block % runs * run));
            terms[block] = Fit(call.Values.Slice(begin, count), begin, codes);
        }

        return (terms, codes);
    }

    private LevelTable?[] Fit(ReadOnlySpan<float> w, int begin, sbyte[][] codes)
    {
        var tables = new LevelTable?[Terms];
        float[] rest = w.ToArray();
        float[] part = new float[rest.Length];
        double size = Size(rest);
        for (int term = 0; term < Terms && (term == 0 || Tolerance == 0 || Size(rest) > Tolerance * size); term++)
        {
            var table = LevelTable.Nearest(2, [0, 1], [ScaledLevels.Solve(rest, [], [0, 1])]);
            for (int i = 0; i < rest.Length; i++)
            {
                codes[term][begin + i] = (sbyte)table.Value(0, 0, rest[i]);
            }

            table.Write(rest, 0, part);
            LaneMap.Map(default(Minus), rest, part, rest);
            tables[term] = table;
        }

        return tables;
    }

    /// <summary>‖w‖.</summary>
    private static double Size(float[] w) => Math.Sqrt(w.Sum(v => (double)v * v));

    /// <summary>Elements of a block: whole kernels of neighbouring input channels.</summary>
    private int Run(Shape shape)
    {
        int length = shape.CountOf(1, shape.Rank);
        return BlockChannels == 0 ? Math.Max(1, length) : Math.Max(1, Math.Min(length, BlockChannels * shape.CountOf(2, shape.Rank)));
    }

    private static int Block(int at, int length, int run) => (at / length * ((length + run - 1) / run)) + (at % length / run);

    private static void Write(LevelTable?[] tables, ReadOnlySpan<float> w, Span<float> y)
    {
        float[] rest = w.ToArray();
        float[] term = new float[rest.Length];
        tables[0]!.Write(rest, 0, y);
        y.CopyTo(term);
        foreach (LevelTable? table in tables.AsSpan(1))
        {
            if (table is null)
            {
                break;
            }

            LaneMap.Map(default(Minus), rest, term, rest);
            table.Write(rest, 0, term);
            LaneMap.Map(default(Plus), y, term, y);
        }
    }

    private readonly struct Minus : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a - b;
    }

    private readonly struct Plus : ILaneFunction2
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }
}
