using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Measures the statistics of batch normalizations anew with the constants held and hard quantizers: batch k of the rows as they are, in an order of the seed, moves them by 1/k, which makes them the mean over the batches.</summary>
/// <param name="rows">The rows of training.</param>
/// <param name="reverse">Runs the graph.</param>
/// <param name="stepper">Knows its statistics.</param>
/// <param name="options">The run's options.</param>
internal sealed class Reestimation(IBatchSource rows, ReverseMode reverse, Stepper stepper, TrainingOptions options)
{
    private const long OrderStep = -3;

    /// <summary>Whether the run asks for it and the graph has statistics.</summary>
    public bool IsOn => stepper.HasStatistics && options.ReestimationBatches > 0;

    /// <summary>The constants with new statistics.</summary>
    /// <param name="constants">Not changed.</param>
    /// <param name="progress">The share of the run behind which the constants are; folded normalizations that stand still by then keep theirs, for which the ranges of their weights were learned.</param>
    /// <param name="cancellationToken">Looked at before each node.</param>
    public Dictionary<string, Tensor> Of(Dictionary<string, Tensor> constants, double progress, CancellationToken cancellationToken)
    {
        Dictionary<string, Tensor> result = TrainingState.Copy(constants);
        int[] order = Batches.Permutation(rows.Count, options.Seed, OrderStep);
        int done = 0;
        foreach (int[] batch in Batches.Of(order, options.BatchSize).Take(options.ReestimationBatches))
        {
            (Tensor input, _) = Batches.Read(rows, batch);
            using ForwardPass pass = reverse.Forward([input], result, training: true, cancellationToken: cancellationToken);
            stepper.Measure(pass, result, 1f / ++done, progress);
        }

        return result;
    }
}
