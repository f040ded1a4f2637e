using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Evaluation;

/// <summary>Makes runners on the normative interpreter.</summary>
public sealed class ReferenceRunnerFactory : IGraphRunnerFactory
{
    /// <inheritdoc/>
    public IGraphRunner Create(Graph graph) => new Evaluator(graph, OperatorTable.Reference);
}
