using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Ternary weights whose scales hold for blocks of input channels, or a sum of such terms: one integer layer on a slice of the input for each term of each run of channels, and one sum of their
/// accumulators. Every piece costs its own run only. Terms stand in order, the runs of a term side by side; pieces without any code but 0 are left out.
/// </summary>
internal sealed class BlockLowering(GraphBuilder builder)
{
    private readonly Dictionary<(ValueId Input, int Begin, int End), ValueId> _slices = [];

    /// <summary>One term of one run of input channels.</summary>
    /// <param name="Begin">The first channel.</param>
    /// <param name="End">Behind the last one.</param>
    /// <param name="Codes">[O, End − Begin, ..].</param>
    /// <param name="Quantizer">One scale an output channel.</param>
    public sealed record Piece(int Begin, int End, Tensor Codes, AffineQuantization Quantizer);

    /// <summary>The terms that weights are made of; null when they are something else.</summary>
    public ImmutableArray<Form.Codes>? Terms(Form? weights)
    {
        ImmutableArray<Form.Codes> terms = weights switch
        {
            Form.Codes codes => [codes],
            Form.Planes planes => planes.Parts,
            _ => [],
        };
        return !terms.IsEmpty && terms.All(t => IsTerm(t.Quantizer) && builder[t.Id].Constant is { } codes && HaveKernelsOneScale(codes.Shape, t.Quantizer)) ? terms : null;
    }

    /// <summary>The terms cut into runs of channels.</summary>
    public ImmutableArray<Piece> Cut(ImmutableArray<Form.Codes> terms)
    {
        Piece[] all = [.. terms.SelectMany(t => Cut(builder[t.Id].Constant!, t.Quantizer))];
        Piece[] used = [.. all.Where(p => p.Codes.Values<sbyte>().ContainsAnyExcept((sbyte)0))];
        return used.Length > 0 ? [.. used] : [all[0]];
    }

    /// <summary>Writes the operands of every piece; all pieces on the same channels of a value read one slice.</summary>
    public IEnumerable<(Form.Codes X, Form.Codes W, string Name)> Operands(Form.Codes x, ImmutableArray<Piece> pieces, int axis, string layer)
    {
        for (int i = 0; i < pieces.Length; i++)
        {
            Piece piece = pieces[i];
            string name = string.Create(CultureInfo.InvariantCulture, $"{layer}.plane{i}");
            ValueId weights = builder.AddConstant(name + ".weights", piece.Codes, piece.Quantizer);
            yield return (x with { Id = SliceOf(x.Id, piece, axis) }, new Form.Codes(weights, piece.Quantizer), name);
        }
    }

    private ValueId SliceOf(ValueId x, Piece piece, int axis)
    {
        if (!_slices.TryGetValue((x, piece.Begin, piece.End), out ValueId slice))
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{builder[x].Name}.channels{piece.Begin}");
            slice = builder.Add(new Slice { Name = name, Inputs = [x], Starts = [piece.Begin], Ends = [piece.End], Axes = [axis], Steps = [1] }, name);
            _slices[(x, piece.Begin, piece.End)] = slice;
        }

        return slice;
    }

    private static bool IsTerm(AffineQuantization quantizer) => quantizer is { Granularity: Granularity.PerGroup, Axis: 1, Code: { Signed: true, Bits.Bits: 2 }, Range: { Min: -1, Max: 1 }, Codebook: null }
        && quantizer.ZeroPoints.All(z => z == 0);

    /// <summary>Whether the elements of a kernel share their scale.</summary>
    private static bool HaveKernelsOneScale(Shape shape, AffineQuantization quantizer)
    {
        int taps = shape.CountOf(2, shape.Rank);
        return Enumerable.Range(0, quantizer.Scales.Length).All(i => quantizer.Scales[i] == quantizer.Scales[i / taps * taps]);
    }

    private static IEnumerable<Piece> Cut(Tensor codes, AffineQuantization quantizer)
    {
        int taps = codes.Shape.CountOf(2, codes.Shape.Rank);
        int runs = (codes.Shape[1] + quantizer.GroupSize - 1) / quantizer.GroupSize;
        for (int run = 0; run < runs; run++)
        {
            (int begin, int end) = (run * quantizer.GroupSize, Math.Min((run + 1) * quantizer.GroupSize, codes.Shape[1]));
            float[] scales = [.. Enumerable.Range(0, codes.Shape[0]).Select(o => quantizer.Scales[((o * runs) + run) * taps])];
            yield return new Piece(begin, end, DeepLowering.Part(codes, begin, end), quantizer with
            {
                Granularity = Granularity.PerAxis,
                Axis = 0,
                GroupSize = 0,
                Scales = ImmutableArray.Create(scales),
                ZeroPoints = ImmutableArray.Create(new int[scales.Length]),
            });
        }
    }
}
