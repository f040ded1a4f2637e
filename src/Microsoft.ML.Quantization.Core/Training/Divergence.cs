using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Finds the first layer whose numbers are no longer finite.</summary>
internal static class Divergence
{
    /// <summary>On the way forward, then on the way back, then the first gradient whose norm is not finite; the loss where none shows it.</summary>
    public static string Find(ReverseMode reverse, ForwardPass pass, Tensor gradient)
    {
        foreach (Node node in pass.Graph.Nodes)
        {
            if (node.Outputs.Any(o => !IsFinite(pass.Values[o.Index]!.Any)))
            {
                return node.Name;
            }
        }

        string? place = null;
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, gradient, observer: (name, found) => place ??= IsFinite(found) ? null : name);
        return place ?? First(gradients, g => !IsFinite(g)) ?? First(gradients, g => !float.IsFinite(FloatReduction.SumSquares(g.Values<float>()))) ?? "loss";
    }

    /// <summary>The first constant that is not finite, or null.</summary>
    public static string? InConstants(Graph graph, Dictionary<string, Tensor> constants)
        => graph.Values.Select(v => v.Name).FirstOrDefault(n => constants.TryGetValue(n, out Tensor? tensor) && !IsFinite(tensor));

    private static string? First(Dictionary<string, Tensor> gradients, Func<Tensor, bool> isSuch) => gradients.Where(g => isSuch(g.Value)).Select(g => g.Key).FirstOrDefault();

    private static bool IsFinite(Tensor tensor) => tensor.Type != ElementType.Float32 || FiniteNumbers.FirstOther(tensor.Values<float>()) < 0;
}
