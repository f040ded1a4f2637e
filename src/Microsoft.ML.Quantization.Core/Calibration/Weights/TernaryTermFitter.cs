using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>
/// Weights to sums of ternary terms by block (Kundu et al., 2017). Every block gets its exact ternary form; then <see cref="TernaryTermRule.Greedy"/> takes the block of largest h·S²/k, adds that
/// term, and so on until ⌊ExtraTerms · blocks⌋ were added (ties: the block that comes first), or <see cref="TernaryTermRule.Tolerance"/> adds terms to each block while ‖w − ŵ‖/‖w‖ &gt; τ of its
/// layer. The gain of a block's terms never grows, as no residual does, so that the greedy choice is the best one for its number of terms, and a smaller budget gives a part of the terms of a larger one.
/// </summary>
public static class TernaryTermFitter
{
    /// <summary>Fits the layers of a network together.</summary>
    /// <param name="layers">In the order of the network.</param>
    /// <param name="terms">Rule, budget and limits; the layers bring their blocks.</param>
    /// <param name="cancellationToken">Looked at before each layer and term.</param>
    /// <returns>One result a layer.</returns>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NonFiniteWeight"/> with the index of the first weight that is not finite; <see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ImmutableArray<TernaryTermFit> Fit(IReadOnlyList<TernaryTermLayer> layers, TernaryTerms terms, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(terms);
        if (terms.Fault() is { } fault)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(TernaryTerms)}: expected {fault}, found {terms}.");
        }

        TernaryBlock[][] blocks = [.. layers.Select(layer => Blocks(layer, cancellationToken))];
        if (terms.Rule == TernaryTermRule.Greedy)
        {
            Spend(layers, blocks, terms, cancellationToken);
        }
        else
        {
            Approach(blocks, terms, cancellationToken);
        }

        return [.. layers.Select((layer, i) => new TernaryTermFit(Planes(layer, blocks[i]), [.. blocks[i].Select(b => b.Terms.Count)], blocks[i].Sum(b => b.Error), blocks[i].Sum(b => b.Size)))];
    }

    private static void Spend(IReadOnlyList<TernaryTermLayer> layers, TernaryBlock[][] blocks, TernaryTerms terms, CancellationToken cancellationToken)
    {
        (TernaryBlock Block, double Energy)[] all = [.. blocks.SelectMany((own, i) => own.Select(b => (b, layers[i].Energy)))];
        var queue = new PriorityQueue<int, (double, int)>();
        void Offer(int i)
        {
            if (all[i].Block.Gain > 0 && all[i].Block.Terms.Count < terms.MostTerms)
            {
                queue.Enqueue(i, (-all[i].Block.Gain * all[i].Energy, i));
            }
        }

        for (int i = 0; i < all.Length; i++)
        {
            Offer(i);
        }

        for (long left = (long)Math.Floor((decimal)Math.Min(terms.ExtraTerms, int.MaxValue) * all.Length); left > 0 && queue.TryDequeue(out int best, out _); left--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            all[best].Block.Add();
            Offer(best);
        }
    }

    private static void Approach(TernaryBlock[][] blocks, TernaryTerms terms, CancellationToken cancellationToken)
    {
        for (int layer = 0; layer < blocks.Length; layer++)
        {
            double tolerance = terms.ToleranceOf(layer, blocks.Length);
            foreach (TernaryBlock block in blocks[layer])
            {
                cancellationToken.ThrowIfCancellationRequested();
                while (block.Gain > 0 && block.RelativeError > tolerance && block.Terms.Count < terms.MostTerms)
                {
                    block.Add();
                }
            }
        }
    }

    private static TernaryBlock[] Blocks(TernaryTermLayer layer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        WeightFitter.CheckFinite(layer.Name, layer.Weights);
        var parts = new Parts(layer);
        float[] weights = layer.Weights.Values<float>().ToArray();
        return [.. Enumerable.Range(0, parts.Count).Select(b => new TernaryBlock(weights.AsSpan(parts.Begin(b), parts.Length(b))))];
    }

    private static ImmutableArray<WeightPlane> Planes(TernaryTermLayer layer, TernaryBlock[] blocks)
        => [.. Enumerable.Range(0, blocks.Select(b => b.Terms.Count).DefaultIfEmpty(1).Max()).Select(term => Plane(layer, blocks, term))];

    private static WeightPlane Plane(TernaryTermLayer layer, TernaryBlock[] blocks, int term)
    {
        var parts = new Parts(layer);
        int copies = parts.Runs == 1 ? 1 : parts.Taps;
        var scales = new float[blocks.Length * copies];
        Tensor codes = Tensor.Allocate(ElementType.Int8, layer.Weights.Shape);
        Span<sbyte> values = codes.Writable<sbyte>();
        for (int b = 0; b < blocks.Length; b++)
        {
            bool has = term < blocks[b].Terms.Count;
            scales.AsSpan(b * copies, copies).Fill(has ? blocks[b].Terms[term].Scale : LevelTable.SmallestScale);
            if (has)
            {
                blocks[b].Terms[term].Codes.CopyTo(values[parts.Begin(b)..]);
            }
        }

        AffineQuantization quantizer = new()
        {
            Code = new CodeType(new BitWidth(2), true),
            Range = new IntegerRange(-1, 1),
            Granularity = parts.Runs == 1 ? Granularity.PerAxis : Granularity.PerGroup,
            Axis = parts.Runs == 1 ? 0 : 1,
            GroupSize = parts.Runs == 1 ? 0 : layer.BlockChannels,
            Scales = ImmutableArray.Create(scales),
            ZeroPoints = ImmutableArray.Create(new int[scales.Length]),
        };
        return new WeightPlane(codes, quantizer);
    }

    /// <summary>Where the blocks of a layer lie.</summary>
    private readonly struct Parts
    {
        private readonly int _row;
        private readonly int _run;

        public Parts(TernaryTermLayer layer)
        {
            Shape shape = layer.Weights.Shape;
            Taps = shape.CountOf(2, shape.Rank);
            _row = shape.CountOf(1, shape.Rank);
            int channels = layer.BlockChannels == 0 ? shape[1] : Math.Min(layer.BlockChannels, shape[1]);
            _run = Math.Max(1, channels * Taps);
            Runs = Math.Max(1, (_row + _run - 1) / _run);
            Count = shape[0] * Runs;
        }

        public int Taps { get; }

        public int Runs { get; }

        public int Count { get; }

        public int Begin(int block) => (block / Runs * _row) + (block % Runs * _run);

        public int Length(int block) => Math.Min(_run, _row - (block % Runs * _run));
    }
}
