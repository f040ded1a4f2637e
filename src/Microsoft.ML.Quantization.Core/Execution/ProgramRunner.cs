using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>
/// Runs a packed program. Keeps the plans of the batch sizes used last, and a bounded number of buffers for each, so that a run allocates nothing
/// once its batch size and concurrency have been seen.
/// </summary>
internal sealed class ProgramRunner : IDisposable
{
    private const int PlansKept = 8;
    private const int BuffersKept = 16;

    private static readonly Action<RunBuffers, int> _runChunk = static (buffers, chunk) => buffers.Program.Steps[buffers.Current].Run(buffers, chunk);

    private readonly System.Threading.Lock _gate = new();
    private readonly List<Plan> _plans = new(PlansKept + 1);
    private readonly PackedProgram _program;
    private readonly WorkerPool _pool;
    private readonly long _limit;
    private readonly ThreadSplit _split;

    public ProgramRunner(PackedProgram program, WorkerPool pool, long maximumArenaBytes, long smallestChunk)
    {
        _program = program;
        _pool = pool;
        _limit = maximumArenaBytes;
        _split = new ThreadSplit(pool.ThreadCount, smallestChunk);
    }

    /// <summary>The plan of a batch size; made if it is new.</summary>
    public BoundProgram Bind(int batch)
    {
        lock (_gate)
        {
            return Find(batch).Program;
        }
    }

    /// <summary>Buffers for one run; give them back with <see cref="Return"/>.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    public RunBuffers Rent(int batch)
    {
        BoundProgram program;
        lock (_gate)
        {
            Plan plan = Find(batch);
            if (plan.Idle.TryPop(out RunBuffers? idle))
            {
                return idle;
            }

            program = plan.Program;
        }

        return new RunBuffers(program, _pool, _program.Signature.Inputs.Length, _program.Signature.Outputs.Length);
    }

    /// <summary>Takes buffers back, or frees them when enough are kept or their plan is gone.</summary>
    public void Return(RunBuffers buffers)
    {
        lock (_gate)
        {
            foreach (Plan plan in _plans)
            {
                if (plan.Program == buffers.Program && plan.Idle.Count < BuffersKept)
                {
                    plan.Idle.Push(buffers);
                    return;
                }
            }
        }

        buffers.Dispose();
    }

    /// <summary>Runs all steps.</summary>
    public static void Execute(RunBuffers buffers)
    {
        for (int i = 0; i < buffers.Program.Steps.Length; i++)
        {
            Execute(buffers, i);
        }
    }

    /// <summary>Runs one step; those before it must have run.</summary>
    public static void Execute(RunBuffers buffers, int index)
    {
        BoundStep step = buffers.Program.Steps[index];
        buffers.Current = index;
        if (step.Chunks == 1)
        {
            step.Run(buffers, 0);
        }
        else
        {
            buffers.Pool.Run(step.Chunks, buffers, _runChunk);
        }
    }

    /// <summary>Frees all buffers; nothing may be rented.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (Plan plan in _plans)
            {
                plan.Dispose();
            }

            _plans.Clear();
        }
    }

    private Plan Find(int batch)
    {
        for (int i = 0; i < _plans.Count; i++)
        {
            Plan plan = _plans[i];
            if (plan.Program.Batch == batch)
            {
                if (i > 0)
                {
                    _plans.RemoveAt(i);
                    _plans.Insert(0, plan);
                }

                return plan;
            }
        }

        var made = new Plan(new BoundProgram(_program, batch, _split, _limit));
        _plans.Insert(0, made);
        if (_plans.Count > PlansKept)
        {
            _plans[PlansKept].Dispose();
            _plans.RemoveAt(PlansKept);
        }

        return made;
    }

    private sealed class Plan(BoundProgram program) : IDisposable
    {
        public BoundProgram Program { get; } = program;

        public Stack<RunBuffers> Idle { get; } = new(BuffersKept);

        public void Dispose()
        {
            foreach (RunBuffers buffers in Idle)
            {
                buffers.Dispose();
            }

            Idle.Clear();
        }
    }
}
