using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Writes the thresholds that take a monotone curve over an accumulator, or over codes, to codes. A max pool inside the curve moves behind the thresholds, where it works on codes: channels
/// whose curve falls behind the pool are thresholded upside down before it and turned back behind it.
/// </summary>
internal sealed class CurveEmitter(GraphBuilder builder)
{
    /// <summary>A form as a curve, or null when it is none.</summary>
    public static Form.Curve? Of(Form? form) => form switch
    {
        Form.Curve curve => curve,
        Form.Scaled scaled => new Form.Curve(scaled, [], []),
        Form.Codes { Quantizer.Granularity: Granularity.PerTensor } codes
            => new Form.Curve(new Form.Scaled(codes.Id, [codes.Quantizer.Single.Scale], [0], 0, Activation.None), [], []),
        _ => null,
    };

    /// <summary>Writes the nodes.</summary>
    /// <param name="curve">The curve.</param>
    /// <param name="code">The code of a real, monotone from 0 to the result's highest code.</param>
    /// <param name="result">Unsigned codes from 0.</param>
    /// <param name="name">The name of the codes.</param>
    /// <param name="nodeName">What node names begin with.</param>
    public ValueId Emit(Form.Curve curve, Func<float, int> code, AffineQuantization result, string name, string nodeName)
    {
        (int[] Thresholds, int Direction)[] channels = [.. Enumerable.Range(0, Channels(curve)).Select(c => ThresholdSearch.Find(a => code(Evaluate(curve, a, c)), result.Range.Max))];
        if (curve.Pools.IsEmpty)
        {
            return builder.Add(Node(channels, curve.Start.Id, curve.Start.Axis, result) with { Name = nodeName + ".thresholds" }, name);
        }

        bool turned = channels.Any(c => c.Direction < 0);
        ValueId id = builder.Add(Node([.. channels.Select(Raised)], curve.Start.Id, curve.Start.Axis, result) with { Name = nodeName + ".thresholds" }, name + ".unpooled");
        for (int i = 0; i < curve.Pools.Length; i++)
        {
            string pooled = i == curve.Pools.Length - 1 && !turned ? name : name + ".pooled";
            id = builder.Add(curve.Pools[i] with { Inputs = [id], Outputs = [] }, pooled);
        }

        return turned ? builder.Add(Turn(channels, id, curve.Start.Axis, result) with { Name = nodeName + ".turn" }, name) : id;
    }

    private static int Channels(Form.Curve curve)
        => curve.Steps.Select(s => s.Channels).Append(curve.Start.Multipliers.Length).Append(curve.Start.Offsets.Length).Max();

    private static float Evaluate(Form.Curve curve, int accumulator, int channel)
    {
        Form.Scaled start = curve.Start;
        float product = (float)accumulator * (float)start.Multipliers[start.Multipliers.Length == 1 ? 0 : channel];
        float y = product + (float)start.Offsets[start.Offsets.Length == 1 ? 0 : channel];
        y = y < start.Clamp.Low ? start.Clamp.Low : y > start.Clamp.High ? start.Clamp.High : y;
        foreach (CurveStep step in curve.Steps)
        {
            y = step.Apply(y, channel);
        }

        return y;
    }

    private static Thresholds Node((int[] Thresholds, int Direction)[] channels, ValueId input, int axis, AffineQuantization result)
    {
        bool same = channels.All(c => c.Direction == channels[0].Direction && c.Thresholds.AsSpan().SequenceEqual(channels[0].Thresholds));
        IEnumerable<(int[] Thresholds, int Direction)> written = same ? channels.Take(1) : channels;
        bool oneDirection = channels.All(c => c.Direction == channels[0].Direction);
        return new Thresholds
        {
            Inputs = [input],
            Integers = [.. written.SelectMany(c => c.Thresholds)],
            Directions = oneDirection ? [channels[0].Direction] : [.. channels.Select(c => c.Direction)],
            Axis = axis,
            Result = result,
        };
    }

    /// <summary>A falling channel upside down: the codes count up, top − #{ a ≤ T } = #{ a ≥ T + 1 }.</summary>
    private static (int[] Thresholds, int Direction) Raised((int[] Thresholds, int Direction) channel) => channel.Direction > 0
        ? channel
        : ([.. channel.Thresholds.Reverse().Select(t => t == int.MaxValue ? t : t + 1)], 1);

    /// <summary>Codes to themselves in rising channels, to top − code in falling ones.</summary>
    private static Thresholds Turn((int[] Thresholds, int Direction)[] channels, ValueId id, int axis, AffineQuantization result)
    {
        int[] values = [.. Enumerable.Range(0, result.Range.Max + 1).Select(result.Single.ValueOf)];
        (int[] Thresholds, int Direction)[] own = [.. channels.Select(c => c.Direction > 0 ? (values[1..], 1) : (values[..^1], -1))];
        return Node(own, id, axis, result);
    }
}
