using System;
using Microsoft.ML.Quantization.Allocation;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>The memory of one run: the slots in an arena, and the caller's inputs and outputs while the run lasts.</summary>
internal sealed unsafe class RunBuffers : IDisposable
{
    private readonly NativeBlock _arena;
    private readonly long[] _offsets;
    private readonly int[] _counts;
    private readonly object?[] _states;

    /// <summary>Allocates the arena and lets each step prepare.</summary>
    public RunBuffers(BoundProgram program, WorkerPool pool, int inputs, int outputs)
    {
        Program = program;
        Pool = pool;
        Inputs = new nint[inputs];
        Outputs = new nint[outputs];
        _arena = new NativeBlock(program.Memory.TotalBytes);
        _offsets = program.Memory.Offsets;
        _counts = program.SlotCounts;
        _states = new object?[program.Steps.Length];
        for (int i = 0; i < _states.Length; i++)
        {
            _states[i] = program.Steps[i].Prepare(this);
        }
    }

    /// <summary>The program these buffers belong to.</summary>
    public BoundProgram Program { get; }

    /// <summary>The threads of the run.</summary>
    public WorkerPool Pool { get; }

    /// <summary>Addresses of the caller's inputs.</summary>
    public nint[] Inputs { get; }

    /// <summary>Addresses of the caller's outputs.</summary>
    public nint[] Outputs { get; }

    /// <summary>The step at work.</summary>
    public int Current { get; set; }

    /// <summary>What the step at work has prepared.</summary>
    public object? State => _states[Current];

    /// <summary>A slot's elements.</summary>
    public Span<T> Span<T>(int slot)
        where T : unmanaged
        => new(_arena.Pointer + _offsets[slot], _counts[slot]);

    /// <summary>A slot's bytes; <paramref name="size"/> is the size of one element.</summary>
    public Span<byte> Bytes(int slot, int size) => new(_arena.Pointer + _offsets[slot], checked(_counts[slot] * size));

    /// <summary>A slot as a tensor, for operators.</summary>
    public Tensor Tensor(int slot, ElementType type, Shape shape)
        => new(type, shape, new ArenaSlice(_arena.Pointer + _offsets[slot], checked(shape.Count * type.SizeOf())).Memory);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (object? state in _states)
        {
            (state as IDisposable)?.Dispose();
        }

        _arena.Dispose();
    }
}
