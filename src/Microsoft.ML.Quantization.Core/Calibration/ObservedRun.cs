using System;
using System.Collections.Generic;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>Runs a graph on one batch and shows every value on the way; the evaluator's <c>Run</c> is one.</summary>
/// <param name="inputs">One tensor a graph input, rows in the first dimension.</param>
/// <param name="observer">Called with each graph input and each node's outputs.</param>
/// <param name="cancellationToken">Cancels the run.</param>
/// <returns>The graph's outputs.</returns>
public delegate IReadOnlyList<Tensor> ObservedRun(IReadOnlyList<Tensor> inputs, Action<ValueId, Tensor>? observer, CancellationToken cancellationToken);
