using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>Σ (y − ŷ)² over all float outputs of two graphs on the same rows, in double, element after element, so that the cut into batches changes nothing.</summary>
internal static class OutputError
{
    /// <summary>The error of <paramref name="candidate"/> against <paramref name="reference"/>; infinity when an output is not finite.</summary>
    public static double Of(Graph reference, Graph candidate, IReadOnlyList<IReadOnlyList<Tensor>> batches, OperatorTable operators)
    {
        using var expected = new Evaluator(reference, operators);
        using var found = new Evaluator(candidate, operators);
        double error = 0;
        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            IReadOnlyList<Tensor> left = expected.Run(batch);
            IReadOnlyList<Tensor> right = found.Run(batch);
            for (int i = 0; i < left.Count; i++)
            {
                error = left[i].Type == ElementType.Float32 ? Add(error, left[i].Values<float>(), right[i].Values<float>()) : error;
            }
        }

        return double.IsFinite(error) ? error : double.PositiveInfinity;
    }

    private static double Add(double error, ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        for (int i = 0; i < left.Length; i++)
        {
            double difference = (double)left[i] - right[i];
            error += difference * difference;
        }

        return error;
    }
}
