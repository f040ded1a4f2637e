using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A packed model of which the steps of one layer are run again and again, on one thread: what it does to its input codes, the layer, and thresholds behind it.</summary>
internal sealed unsafe class PairRun : IDisposable
{
    private static readonly double _milliseconds = 1000.0 / Stopwatch.Frequency;

    private readonly PackedProgram _program;
    private readonly ProgramRunner _runner;
    private readonly RunBuffers _buffers;
    private readonly int _step;
    private readonly int _begin;
    private readonly int _end;

    /// <summary>Packs a model as it would be when loaded and runs it once.</summary>
    public PairRun(Graph graph, int batch)
    {
        _program = Packer.Pack(graph, ModelSignature.Of(graph), QuantizedModel.Chooser(null));
        _runner = new ProgramRunner(_program, WorkerPool.Single, long.MaxValue, ThreadSplit.DefaultChunk);
        _buffers = _runner.Rent(batch);
        List<PackedStep> steps = [.. _program.Steps];
        _step = steps.FindIndex(s => s.Layer == PairLayers.Measured && s.Facts.WeightBytes > 0);
        _begin = steps.FindLastIndex(s => s.Layer == PairLayers.Before) + 1;
        _end = Math.Max(steps.FindLastIndex(s => s.Layer == PairLayers.Codes && s.Operation == nameof(Thresholds)), _step) + 1;
        Tensor input = ReferenceRuns.Inputs(_program.Signature, batch, 1)[0];
        var output = new float[_program.Signature.Outputs[0].Shape.Bind(batch).Count];
        fixed (byte* x = input.Bytes.Span)
        fixed (float* y = output)
        {
            _buffers.Inputs[0] = (nint)x;
            _buffers.Outputs[0] = (nint)y;
            ProgramRunner.Execute(_buffers);
        }
    }

    /// <summary>The kernel that runs, and its set; + and the operations of other steps that belong to the layer.</summary>
    public string Kernel => $"{_buffers.Program.Steps[_step].Work.Operation} ({_program.Steps[_step].Kernels!.Name})" + string.Concat(Enumerable.Range(_begin, _end - _begin).Where(i => i != _step).Select(i => " + " + _program.Steps[i].Operation));

    /// <summary>Bytes of packed weights.</summary>
    public long WeightBytes => _program.Steps[_step].Facts.WeightBytes;

    /// <summary>Least time of the layer's steps in ms over so many milliseconds of runs.</summary>
    public double Least(double budget)
    {
        _ = Once();
        double least = double.MaxValue;
        long end = Stopwatch.GetTimestamp() + (long)(budget / _milliseconds);
        do
        {
            least = Math.Min(least, Once());
        }
        while (Stopwatch.GetTimestamp() < end);

        return least;
    }

    /// <summary>Least time of the layer's steps in ms, each run behind a walk over memory that leaves nothing in caches.</summary>
    public double LeastEvicted(int runs)
    {
        double least = double.MaxValue;
        for (int i = 0; i < runs; i++)
        {
            KernelTimer.Walk();
            least = Math.Min(least, Once());
        }

        return least;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runner.Return(_buffers);
        _runner.Dispose();
        _program.Dispose();
    }

    private double Once()
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = _begin; i < _end; i++)
        {
            ProgramRunner.Execute(_buffers, i);
        }

        return (Stopwatch.GetTimestamp() - start) * _milliseconds;
    }
}
