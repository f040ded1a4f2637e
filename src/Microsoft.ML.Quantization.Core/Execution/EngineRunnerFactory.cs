using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>Makes runners on the shipping engine.</summary>
/// <param name="kernels">The kernel set.</param>
/// <param name="threadCount">Threads of each runner.</param>
public sealed class EngineRunnerFactory(KernelSet kernels, int threadCount = 1) : IGraphRunnerFactory
{
    /// <inheritdoc/>
    public IGraphRunner Create(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        WorkerPool pool = Pools.Create(threadCount);
        try
        {
            PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), kernels, pool: pool);
            return new Runner(new Engine(program, pool, long.MaxValue));
        }
        catch
        {
            Pools.Release(pool);
            throw;
        }
    }

    private sealed class Runner(Engine engine) : IGraphRunner
    {
        public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs) => engine.Run(inputs);

        public void Dispose() => engine.Dispose();
    }
}
