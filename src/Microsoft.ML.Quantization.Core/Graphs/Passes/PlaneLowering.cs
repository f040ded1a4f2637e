using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>A layer whose weights or inputs are sums of scaled codes: one integer layer for each pair of addends, and one sum of their accumulators.</summary>
internal sealed class PlaneLowering(GraphBuilder builder)
{
    /// <summary>
    /// The most products of addends that a layer may be: five planes of weights and five of inputs, the most that ABC-Net was published with. No kernel sets a limit; but each has an int32 accumulator of the layer's output in the arena.
    /// </summary>
    private const int MostPairs = 25;

    private const int MostBits = 2;
    private readonly Dictionary<ValueId, Form.Planes> _split = [];

    /// <summary>The addends of a form, or null when it has none.</summary>
    public static ImmutableArray<Form.Codes>? Parts(Form? form) => form switch
    {
        Form.Codes codes => [codes],
        Form.Planes planes => planes.Parts,
        Form.Sum { Sign: 1, Clamp.IsNone: true } sum when IsNarrow(sum.Left) && IsNarrow(sum.Right) => [sum.Left, sum.Right],
        _ => null,
    };

    /// <summary>An index of levels as the bits that make them up, each by a table; other forms as they are.</summary>
    public Form? Split(Form? form)
    {
        if (form is not Form.Indexed indexed)
        {
            return form;
        }

        if (!_split.TryGetValue(indexed.Index.Id, out Form.Planes? planes))
        {
            string name = builder[indexed.Index.Id].Name;
            planes = new Form.Planes([.. indexed.Levels.Bits!.Value.Select((bit, k) => StaircaseLowering.Table(builder, indexed.Index, bit.Quantizer, bit.Codes, $"{name}.bit{k}"))]);
            _split[indexed.Index.Id] = planes;
        }

        return planes;
    }

    /// <summary>The sum of two forms as addends: constants of any width, other codes of few bits.</summary>
    public Form.Planes? Add(Form? left, Form? right)
    {
        if (Parts(left) is not { } a || Parts(right) is not { } b)
        {
            return null;
        }

        ImmutableArray<Form.Codes> parts = [.. a, .. b];
        bool constants = parts.All(p => builder[p.Id].Constant is not null);
        return constants || (parts.Length > 2 && parts.All(IsNarrow)) ? new Form.Planes(parts) : null;
    }

    /// <summary>Why addends of inputs and weights cannot be integer layers, one for each pair, whose accumulators reach <paramref name="worst"/>; or null.</summary>
    public string? Obstacle(ImmutableArray<Form.Codes> inputs, ImmutableArray<Form.Codes> weights, out long worst)
    {
        worst = 0;
        int pairs = inputs.Length * weights.Length;
        if (pairs > MostPairs)
        {
            return string.Create(CultureInfo.InvariantCulture, $"its {weights.Length} planes of weights and {inputs.Length} of inputs are {pairs} pairs, above {MostPairs}");
        }

        AccumulatorBound[] bounds = [.. weights.SelectMany(w => inputs.Select(x => AccumulatorBound.Of(builder[w.Id].Constant!, w.Quantizer, x.Quantizer, null)))];
        worst = bounds.Max(b => b.Worst);
        return bounds.All(b => b.IsProved) ? null : string.Create(CultureInfo.InvariantCulture, $"the accumulator of a pair of planes can reach {worst}, above 2^31 - 1");
    }

    /// <summary>Writes the layers of all pairs, which have no <see cref="Obstacle"/>.</summary>
    /// <param name="name">What node names begin with.</param>
    /// <param name="inputs">Addends of the input.</param>
    /// <param name="weights">Addends of the weights.</param>
    /// <param name="layer">The layer of a pair, with the given name.</param>
    public (ImmutableArray<ValueId> Ids, double[][] Steps) Emit(
        string name, ImmutableArray<Form.Codes> inputs, ImmutableArray<Form.Codes> weights, Func<Form.Codes, Form.Codes, string, ValueId> layer)
    {
        (Form.Codes X, Form.Codes W)[] pairs = [.. weights.SelectMany(w => inputs.Select(x => (x, w)))];
        ImmutableArray<ValueId> ids = [.. pairs.Select((p, i) => layer(p.X, p.W, string.Create(CultureInfo.InvariantCulture, $"{name}.plane{i}")))];
        return (ids, [.. pairs.Select(p => Steps(builder[p.W.Id].Constant!, p.X, p.W))]);
    }

    /// <summary>The real of one accumulator step in each output channel.</summary>
    public static double[] Steps(Tensor weights, Form.Codes x, Form.Codes w)
        => [.. Enumerable.Range(0, weights.Shape[0]).Select(c => (double)x.Quantizer.Single.Scale * w.Quantizer.Scales[w.Quantizer.Scales.Length == 1 ? 0 : c])];

    private static bool IsNarrow(Form.Codes codes) => codes.Quantizer is { Granularity: Granularity.PerTensor, Code.Bits.Bits: <= MostBits };
}
