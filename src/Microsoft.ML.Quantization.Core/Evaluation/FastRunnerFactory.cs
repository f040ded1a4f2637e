using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Evaluation;

/// <summary>Makes runners on the fast operators.</summary>
/// <param name="kernels">The kernel set.</param>
/// <param name="pool">The threads.</param>
public sealed class FastRunnerFactory(KernelSet kernels, WorkerPool pool) : IGraphRunnerFactory
{
    /// <inheritdoc/>
    public IGraphRunner Create(Graph graph) => new Evaluator(graph, OperatorTable.Fast(kernels, pool));
}
