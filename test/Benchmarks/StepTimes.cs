using System;
using System.Diagnostics;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>The least times of a packed program's steps and of whole runs, in ms.</summary>
internal sealed unsafe class StepTimes
{
    private const int Runs = 200;
    private const int FewestRuns = 8;
    private const int Budget = 2000;
    private static readonly double _milliseconds = 1000.0 / Stopwatch.Frequency;

    /// <summary>Least time of each step.</summary>
    public required double[] Steps { get; init; }

    /// <summary>What each step costs, as numbers.</summary>
    public required KernelWork[] Works { get; init; }

    /// <summary>Least time of a whole run.</summary>
    public required double Whole { get; init; }

    /// <summary>Runs a program, in turn as a whole and step by step.</summary>
    public static StepTimes Least(PackedProgram program, int threads, int batch, int budget = Budget)
    {
        WorkerPool pool = Pools.Create(threads);
        using var runner = new ProgramRunner(program, pool, long.MaxValue, ThreadSplit.DefaultChunk);
        RunBuffers buffers = runner.Rent(batch);
        Tensor input = ReferenceRuns.Inputs(program.Signature, batch, 1)[0];
        var output = new float[program.Signature.Outputs[0].Shape.Bind(batch).Count];
        double[] best = [.. program.Steps.Select(_ => double.MaxValue)];
        double whole = double.MaxValue;
        fixed (byte* x = input.Bytes.Span)
        fixed (float* y = output)
        {
            buffers.Inputs[0] = (nint)x;
            buffers.Outputs[0] = (nint)y;
            long end = Stopwatch.GetTimestamp() + (budget * Stopwatch.Frequency / 1000);
            for (int run = 0; run < FewestRuns || (run < Runs && Stopwatch.GetTimestamp() < end); run++)
            {
                long begin = Stopwatch.GetTimestamp();
                ProgramRunner.Execute(buffers);
                whole = Math.Min(whole, (Stopwatch.GetTimestamp() - begin) * _milliseconds);
                Time(buffers, best);
            }
        }

        runner.Return(buffers);
        Pools.Release(pool);
        return new StepTimes { Steps = best, Whole = whole, Works = [.. buffers.Program.Steps.Select(s => s.Work)] };
    }

    private static void Time(RunBuffers buffers, double[] best)
    {
        for (int i = 0; i < best.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            ProgramRunner.Execute(buffers, i);
            best[i] = Math.Min(best[i], (Stopwatch.GetTimestamp() - start) * _milliseconds);
        }
    }
}
