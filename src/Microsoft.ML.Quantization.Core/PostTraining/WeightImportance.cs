using System;
using System.Collections.Generic;
using System.Threading;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>How much the weights of codebooks and the layers of ternary terms count, from the rows kept while calibrating.</summary>
internal static class WeightImportance
{
    /// <summary>The moments of the layers' inputs; null when the scheme does not ask for them or there are no rows, which is noted.</summary>
    /// <param name="clean">The float network.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="operators">What the network runs on.</param>
    /// <param name="sample">The rows kept so far.</param>
    /// <param name="unread">Batches that nothing has read, as when no activation is quantized; null otherwise.</param>
    /// <param name="note">Told when there are no rows.</param>
    /// <param name="cancellationToken">Looked at before each node.</param>
    public static InputMoments? Of(
        Graph clean,
        QuantizationScheme scheme,
        OperatorTable operators,
        RowSample sample,
        IEnumerable<IReadOnlyList<Tensor>>? unread,
        Action<string> note,
        CancellationToken cancellationToken)
    {
        bool terms = scheme.TernaryTerms is { Rule: TernaryTermRule.Greedy };
        if (!terms && scheme.WeightCodebook is not { WeightedByInputs: true })
        {
            return null;
        }

        foreach (IReadOnlyList<Tensor> batch in sample.Take(unread ?? []))
        {
            InputRows.Count(clean, batch);
            if (sample.Rows >= RowSample.Limit)
            {
                break;
            }
        }

        using var evaluator = new Evaluator(clean, operators);
        InputMoments? moments = InputMoments.Of(clean, sample.Batches, evaluator.Run, cancellationToken);
        if (moments is null)
        {
            note(terms ? "Ternary terms are chosen by errors of weights alone: there are no rows to weight layers by." : "Weights of codebooks count alike: there are no rows to weight them by.");
        }

        return moments;
    }
}
