using System;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>One node for a reference operator: what it reads and what it writes. No kernels, no threads.</summary>
/// <param name="Graph">The graph, its batch bound.</param>
/// <param name="Node">The node.</param>
/// <param name="Inputs">One tensor an input.</param>
/// <param name="Outputs">One allocated tensor an output.</param>
internal readonly record struct ReferenceCall(Graph Graph, Node Node, Tensor[] Inputs, Tensor[] Outputs)
{
    /// <summary>The first output.</summary>
    public Tensor Output => Outputs[0];

    /// <summary>The shape of an input.</summary>
    public Shape Shape(int input) => Inputs[input].Shape;

    /// <summary>The floats of an input; none when the node lacks it.</summary>
    public ReadOnlySpan<float> Floats(int input) => input < Inputs.Length ? Inputs[input].Values<float>() : default;

    /// <summary>The quantizer of an input that holds codes.</summary>
    public AffineQuantization Quantizer(int input) => Graph[Node.Inputs[input]].Type.Quantization!;

    /// <summary>The integer value of an element of a per-tensor input of codes; an accumulator is its own.</summary>
    public int Value(int input, int index)
    {
        int code = CodeAccess.Read(Inputs[input], index);
        return Graph[Node.Inputs[input]].Type.Quantization is { } quantizer ? quantizer.Single.ValueOf(code) : code;
    }

    /// <summary>An exact sum as the int32 that the graph stores.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.AccumulatorNotProved"/>: it leaves int32.</exception>
    public int Accumulator(long sum) => sum is >= int.MinValue and <= int.MaxValue
        ? (int)sum
        : throw new QuantizationException(
            QuantizationErrorCode.AccumulatorNotProved,
            string.Create(CultureInfo.InvariantCulture, $"{Node.Kind} '{Node.Name}': expected sums inside int32, found {sum}. Use fewer bits or split the layer."));

    /// <summary>x &lt; low ? low : x &gt; high ? high : x (NaN passes).</summary>
    public static float Clamp(float value, Activation activation)
        => value < activation.Low ? activation.Low : value > activation.High ? activation.High : value;

    /// <summary>The common tail of <see cref="Requantization"/> into a quantizer's codes.</summary>
    public static int Tail(float value, AffineQuantization result, int minimum, int maximum)
        => Requantization.Finish(value, result.Single.ZeroPoint, minimum, maximum);
}
