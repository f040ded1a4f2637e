using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// A layer of so many inputs that its accumulator is not proved: runs of input channels with accumulators that are, each a layer of its own, and one <see cref="CombineAccumulators"/>:
/// y = fma(float(d[g]), s[c], y) from +0 over the runs g in order, then the bias. Weights of 8 bits and one sign over 8-bit codes need it from 66,000 products on, those of both signs, as
/// trained ones are, from some hundred thousands.
/// </summary>
internal static class DeepLowering
{
    private const int MostRuns = 16;

    /// <summary>Where runs of input channels begin and end, as few as are proved without a bias; null where no cut is.</summary>
    public static ImmutableArray<(int Begin, int End)>? Cut(Tensor weights, AffineQuantization quantizer, AffineQuantization input)
    {
        int channels = weights.Shape[1];
        for (int count = 1; count <= Math.Min(MostRuns, channels); count++)
        {
            ImmutableArray<(int Begin, int End)> runs = [.. Enumerable.Range(0, count).Select(r => ((int)((long)channels * r / count), (int)((long)channels * (r + 1) / count)))];
            if (runs.All(r => AccumulatorBound.Of(Part(weights, r.Begin, r.End), quantizer, input, null).IsProved))
            {
                return runs;
            }
        }

        return null;
    }

    /// <summary>The input and the weights of one run.</summary>
    public static (Form.Codes X, Form.Codes W) Operands(GraphBuilder builder, Form.Codes x, Form.Codes w, int axis, (int Begin, int End) run, string name)
    {
        var slice = new Slice { Name = name + ".inputs", Inputs = [x.Id], Starts = [run.Begin], Ends = [run.End], Axes = [axis], Steps = [1] };
        string text = string.Create(CultureInfo.InvariantCulture, $"{name}.{run.Begin}");
        ValueId weights = builder.AddConstant(text + ".weights", Part(builder[w.Id].Constant!, run.Begin, run.End), w.Quantizer);
        return (x with { Id = builder.Add(slice, text + ".inputs") }, w with { Id = weights });
    }

    /// <summary>[O, I, ..] → [O, begin to end, ..].</summary>
    public static Tensor Part(Tensor weights, int begin, int end)
    {
        Tensor part = Tensor.Allocate(weights.Type, weights.Shape.With(1, end - begin));
        int taps = weights.Shape.CountOf(2, weights.Shape.Rank) * weights.Type.SizeOf();
        int row = weights.Shape[1] * taps;
        int length = (end - begin) * taps;
        Span<byte> target = part.WritableBytes;
        for (int o = 0; o < weights.Shape[0]; o++)
        {
            weights.Bytes.Span.Slice((o * row) + (begin * taps), length).CopyTo(target[(o * length)..]);
        }

        return part;
    }
}
