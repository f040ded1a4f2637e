using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>
/// A packed graph with its threads and buffers. Immutable for its callers and thread-safe. A graph of fixed batch f runs batch / f times.
/// </summary>
internal sealed unsafe class Engine : IDisposable
{
    private readonly PackedProgram _program;
    private readonly ProgramRunner _runner;
    private readonly WorkerPool _pool;
    private readonly UseCount _uses = new();
    private readonly int _rowsPerRun;

    /// <summary>Takes the program and the pool over; both are disposed with the engine.</summary>
    public Engine(PackedProgram program, WorkerPool pool, long maximumArenaBytes, long smallestChunk = ThreadSplit.DefaultChunk)
    {
        _program = program;
        _pool = pool;
        _runner = new ProgramRunner(program, pool, maximumArenaBytes, smallestChunk);
        _rowsPerRun = program.Graph.HasFreeBatch ? 0 : program.Signature.FixedRows;
    }

    /// <summary>What callers give and get.</summary>
    public ModelSignature Signature => _program.Signature;

    /// <summary>The kernels.</summary>
    public KernelSet Kernels => _program.Kernels;

    /// <summary>Threads that take part in a run.</summary>
    public int ThreadCount => _pool.ThreadCount;

    /// <summary>Elements of <paramref name="shape"/> for a batch; an output may have the batch in several dimensions, as a product of rows with rows has.</summary>
    private long Count(Shape shape, int batch)
    {
        if (!shape.IsFree)
        {
            return (long)shape.FixedCount * (_rowsPerRun > 0 ? batch / _rowsPerRun : 1);
        }

        long count = shape.FixedCount;
        foreach (int dimension in shape.Dimensions)
        {
            // What no span can hold is never wanted exactly.
            count = dimension == Shape.Free && count <= int.MaxValue ? count * batch : count;
        }

        return count;
    }

    /// <summary>Runs a graph of one input and one output.</summary>
    public void Run<TInput, TOutput>(ReadOnlySpan<TInput> input, Span<TOutput> output, int batch)
        where TInput : unmanaged
        where TOutput : unmanaged
    {
        CheckCounts(1, 1);
        CheckBatch(batch);
        CheckInput(0, ElementTypes.Of<TInput>(), input.Length, batch);
        CheckOutput(0, ElementTypes.Of<TOutput>(), output.Length, batch);
        Enter();
        try
        {
            fixed (TInput* source = input)
            fixed (TOutput* destination = output)
            {
                nint from = (nint)source;
                nint to = (nint)destination;
                RunRows(new ReadOnlySpan<nint>(ref from), new ReadOnlySpan<nint>(ref to), batch);
            }
        }
        finally
        {
            _uses.Leave();
        }
    }

    /// <summary>Runs on tensors, whose counts and element types must be those of the signature.</summary>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs) => UseTensors(inputs, (from, to) => RunRows(from, to, BatchOf(inputs)));

    /// <summary>Bytes of the packed weights.</summary>
    public long PackedBytes => _program.WeightBytes;

    /// <summary>Fewest rows of a run: 1, or the batch of a graph that fixes it.</summary>
    public int SmallestBatch => Math.Max(_rowsPerRun, 1);

    /// <summary>How each step runs; sizes are those of one row.</summary>
    public ModelReport Explain()
    {
        Enter();
        try
        {
            return new ModelReport([.. _program.Steps.Select(s => Explain(s, SmallestBatch))], Kernels.Name, ThreadCount, _runner.Bind(SmallestBatch).Memory.TotalBytes)
            {
                KernelReason = KernelRegistry.ReasonFor(Kernels),
            };
        }
        finally
        {
            _uses.Leave();
        }
    }

    /// <summary>As <see cref="Explain()"/>, with the median times of <paramref name="runs"/> runs on the given inputs.</summary>
    public ModelReport Measure(IReadOnlyList<Tensor> inputs, int runs)
    {
        ModelReport report = Explain();
        int batch = _rowsPerRun > 0 ? _rowsPerRun : BatchOf(inputs);
        var clock = new StepClock(_program.Steps.Length, runs);
        UseTensors(inputs, (from, to) =>
        {
            RunBuffers buffers = _runner.Rent(batch);
            try
            {
                from.CopyTo(buffers.Inputs, 0);
                to.CopyTo(buffers.Outputs, 0);
                clock.Run(buffers);
            }
            finally
            {
                _runner.Return(buffers);
            }
        });
        double[] steps = clock.Steps;
        return report with
        {
            Steps = [.. report.Steps.Select((s, i) => s with { Milliseconds = steps[i] })],
            Timing = new ModelTiming(batch, runs, clock.Whole, steps.Sum()),
        };
    }

    /// <summary>Waits for the runs at work, then frees everything.</summary>
    public void Dispose()
    {
        if (_uses.Close())
        {
            _runner.Dispose();
            _program.Dispose();
            Pools.Release(_pool);
        }
    }

    /// <summary>Checks and pins the inputs, makes outputs, and lends their addresses out.</summary>
    private Tensor[] UseTensors(IReadOnlyList<Tensor> inputs, Action<nint[], nint[]> use)
    {
        CheckCounts(inputs.Count, Signature.Outputs.Length);
        int batch = BatchOf(inputs);
        for (int i = 0; i < inputs.Count; i++)
        {
            CheckInput(i, inputs[i].Type, inputs[i].Shape.Count, batch);
        }

        Tensor[] outputs = [.. Signature.Outputs.Select(o => Tensor.Allocate(o.Element, OutputShape(o.Shape, batch)))];
        Enter();
        var handles = new List<MemoryHandle>();
        try
        {
            handles.AddRange(inputs.Concat(outputs).Select(t => t.Bytes.Pin()));
            nint[] addresses = [.. handles.Select(h => (nint)h.Pointer)];
            use(addresses[..inputs.Count], addresses[inputs.Count..]);
        }
        finally
        {
            handles.ForEach(h => h.Dispose());
            _uses.Leave();
        }

        return outputs;
    }

    private void RunRows(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, int batch)
    {
        if (batch == 0)
        {
            return;
        }

        RunBuffers buffers = _runner.Rent(_rowsPerRun > 0 ? _rowsPerRun : batch);
        try
        {
            int runs = _rowsPerRun > 0 ? batch / _rowsPerRun : 1;
            for (int run = 0; run < runs; run++)
            {
                for (int i = 0; i < inputs.Length; i++)
                {
                    InputSignature input = Signature.Inputs[i];
                    buffers.Inputs[i] = inputs[i] + (nint)((long)run * input.Shape.FixedCount * input.Element.SizeOf());
                }

                for (int i = 0; i < outputs.Length; i++)
                {
                    OutputSignature output = Signature.Outputs[i];
                    buffers.Outputs[i] = outputs[i] + (nint)((long)run * output.Shape.FixedCount * output.Element.SizeOf());
                }

                ProgramRunner.Execute(buffers);
            }
        }
        finally
        {
            _runner.Return(buffers);
        }
    }

    private StepReport Explain(PackedStep step, int batch)
    {
        long arena = step.Writes.Sum(slot => _program.Slots[slot].Bytes(batch));
        long limit = step.Facts.Bound > 0 ? int.MaxValue : 0;
        return new StepReport(step.Layer, step.Operation, step.Facts.Bits, (step.Kernels ?? Kernels).Name, step.Facts.Reason, step.Facts.Bound, limit, step.Facts.WeightBytes, arena) { Choice = step.Choice };
    }

    private void Enter() => ObjectDisposedException.ThrowIf(!_uses.TryEnter(), typeof(QuantizedModel));

    /// <summary>The shape over all runs; a scalar of each run becomes a list of them.</summary>
    private Shape OutputShape(Shape shape, int batch)
    {
        if (shape.IsFree || _rowsPerRun == 0 || batch <= _rowsPerRun)
        {
            return shape.Bind(batch);
        }

        int runs = batch / _rowsPerRun;
        return shape.Rank > 0 ? shape.With(0, shape[0] * runs) : Shape.Of(runs);
    }

    private int BatchOf(IReadOnlyList<Tensor> inputs)
    {
        for (int i = 0; i < inputs.Count; i++)
        {
            Shape expected = Signature.Inputs[i].Shape;
            if (expected.IsFree && expected.FixedCount == 0 && inputs[i].Shape.Rank == expected.Rank)
            {
                // No number of elements tells how many rows of none there are.
                return inputs[i].Shape[expected.Dimensions.IndexOf(Shape.Free)];
            }

            int unit = Math.Max(expected.FixedCount, 1);
            if (expected.IsFree || _rowsPerRun > 0)
            {
                return inputs[i].Shape.Count / unit * Math.Max(_rowsPerRun, 1);
            }
        }

        return 1;
    }

    private void CheckBatch(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        if (_rowsPerRun > 0 && batch % _rowsPerRun != 0)
        {
            throw Mismatch("Batch", string.Create(CultureInfo.InvariantCulture, $"a multiple of the graph's fixed batch {_rowsPerRun}"), batch.ToString(CultureInfo.InvariantCulture));
        }
    }

    private void CheckCounts(int inputs, int outputs)
    {
        if (Signature.Inputs.Length != inputs || Signature.Outputs.Length != outputs)
        {
            throw Mismatch("Run", string.Create(CultureInfo.InvariantCulture, $"{Signature.Inputs.Length} inputs and {Signature.Outputs.Length} outputs"), string.Create(CultureInfo.InvariantCulture, $"{inputs} and {outputs}; use the overload with tensors"));
        }
    }

    private void CheckInput(int index, ElementType element, int length, int batch)
    {
        InputSignature input = Signature.Inputs[index];
        if (input.Element != element || length != Count(input.Shape, batch))
        {
            throw Mismatch($"Input '{input.Name}'", string.Create(CultureInfo.InvariantCulture, $"{Count(input.Shape, batch)} elements of {input.Element} for {input.Shape}, batch {batch}"), string.Create(CultureInfo.InvariantCulture, $"{length} of {element}"));
        }
    }

    private void CheckOutput(int index, ElementType element, int length, int batch)
    {
        OutputSignature output = Signature.Outputs[index];
        if (output.Element != element || length != Count(output.Shape, batch))
        {
            throw Mismatch($"Output '{output.Name}'", string.Create(CultureInfo.InvariantCulture, $"room for {Count(output.Shape, batch)} elements of {output.Element} for {output.Shape}, batch {batch}"), string.Create(CultureInfo.InvariantCulture, $"{length} of {element}"));
        }
    }

    private static QuantizationException Mismatch(string place, string expected, string found)
        => new(QuantizationErrorCode.InputShapeMismatch, $"{place}: expected {expected}, found {found}.");
}
