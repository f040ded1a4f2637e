using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Weights that are sums of planes of codes: a <see cref="FakeQuantize"/> of the decoded codes of each, added in order.</summary>
internal static class PlaneSum
{
    /// <summary>Adds the planes and their sum.</summary>
    public static ValueId Add(GraphBuilder builder, ImmutableArray<WeightPlane> planes, string own)
    {
        ValueId? sum = null;
        for (int i = 0; i < planes.Length; i++)
        {
            AffineQuantization quantizer = planes[i].Quantizer;
            string name = planes.Length == 1 ? own : FormattableString.Invariant($"{own}.{i}");
            ValueId plane = NormalizeQdq.Add(builder, builder.AddConstant(name + ".value", quantizer.Decode(planes[i].Codes)), quantizer, name);
            sum = sum is { } before ? builder.Add(new Binary { Name = name + ".sum", Inputs = [before, plane], Operator = BinaryOperator.Add }, name + ".sum") : plane;
        }

        return sum!.Value;
    }

    /// <summary>Whether a value is such a sum, or one plane, or decoded codes.</summary>
    public static bool Is(Node?[] producers, ValueId value) => producers[value.Index] switch
    {
        FakeQuantize or Dequantize => true,
        Binary { Operator: BinaryOperator.Add } sum => Is(producers, sum.Inputs[0]) && Is(producers, sum.Inputs[1]),
        _ => false,
    };
}
