using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>
/// Ternary residual networks (Kundu et al., 2017): ŵ = Σ α_k·T_k, each term the exact ternary form of what the terms before it leave, in each output channel. Bits are 2 a term. Gradients pass
/// unchanged. (In the paper a block is a piece of a channel and the count of its terms follows from its error.)
/// </summary>
public sealed record TernaryResidual : QuantizationMethod
{
    /// <inheritdoc/>
    public override string Name => "TernaryResidual";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Weights;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits];

    private int Terms => Bits / 2;

    /// <inheritdoc/>
    public override int GroupsOf(Shape shape) => shape[0];

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call)
    {
        int groups = GroupsOf(call.X.Shape);
        int length = call.X.Shape.Count / groups;
        LevelTable[] tables = new LevelTable[Terms];
        float[] residual = call.Values.ToArray();
        for (int term = 0; term < Terms; term++)
        {
            float[] scales = [.. Enumerable.Range(0, groups).Select(g => ScaledLevels.Solve(residual.AsSpan(g * length, length), [], [0, 1]))];
            tables[term] = LevelTable.Nearest(2, [0, 1], scales);
            Subtract(tables[term], residual, length);
        }

        return tables;
    }

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        var tables = (LevelTable[])prepared!;
        int group = begin / (call.X.Shape.Count / GroupsOf(call.X.Shape));
        float[] residual = call.Values.Slice(begin, y.Length).ToArray();
        float[] term = new float[y.Length];
        for (int k = 0; k < tables.Length; k++)
        {
            tables[k].Write(residual, group, term);
            LaneMap.Map(default(Minus), residual, term, residual);
            if (k == 0)
            {
                term.CopyTo(y);
            }
            else
            {
                LaneMap.Map(default(Plus), y, term, y);
            }
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums) => g.CopyTo(dx);

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        var tables = (LevelTable[])Prepare(call)!;
        float[] residual = call.Values.ToArray();
        ImmutableArray<WeightPlane>.Builder planes = ImmutableArray.CreateBuilder<WeightPlane>();
        foreach (LevelTable table in tables)
        {
            planes.AddRange(table.Export(call.X.Shape, residual).Planes);
            Subtract(table, residual, residual.Length / GroupsOf(call.X.Shape));
        }

        return new HardForm.Weights(planes.ToImmutable());
    }

    private static void Subtract(LevelTable table, float[] residual, int length)
    {
        float[] term = new float[length];
        for (int group = 0; group < residual.Length / length; group++)
        {
            Span<float> part = residual.AsSpan(group * length, length);
            table.Write(part, group, term);
            LaneMap.Map(default(Minus), part, term, part);
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
