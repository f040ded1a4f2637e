using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Runs one graph on given inputs, whatever does the work: interpreter or engine.</summary>
public interface IGraphRunner : IDisposable
{
    /// <summary>Runs the graph; inputs and outputs in the graph's order. The batch is the inputs' first dimension.</summary>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs);
}

/// <summary>Makes runners; given to calibration and training from outside, so that they use the shipping engine without knowing it.</summary>
public interface IGraphRunnerFactory
{
    /// <summary>Prepares a graph.</summary>
    public IGraphRunner Create(Graph graph);
}
