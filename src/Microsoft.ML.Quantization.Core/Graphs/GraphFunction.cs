using System.Collections.Generic;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Evaluates a graph of fixed shapes by the normative rules of its nodes; given from outside to passes, which may not see the evaluator.</summary>
/// <param name="graph">The graph.</param>
/// <param name="inputs">One tensor an input of the graph, in order.</param>
/// <returns>One tensor an output of the graph, in order.</returns>
public delegate IReadOnlyList<Tensor> GraphFunction(Graph graph, IReadOnlyList<Tensor> inputs);
