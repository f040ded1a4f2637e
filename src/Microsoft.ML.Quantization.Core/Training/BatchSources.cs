using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Rows for training, readable in any order, as often as wanted; a row must read the same each time. Calls come from one thread at a time.</summary>
public interface IBatchSource
{
    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>Shape of a row's input, without the batch.</summary>
    public Shape InputShape { get; }

    /// <summary>Values of a row's target: 1 (the number of the class) or as many as the output has.</summary>
    public int TargetLength { get; }

    /// <summary>Reads a row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="input">Filled with the input, row-major.</param>
    /// <param name="target">Filled with the target.</param>
    public void Read(int row, Span<float> input, Span<float> target);
}

/// <summary>Rows held in memory.</summary>
public sealed class MemoryBatchSource : IBatchSource
{
    private readonly float[] _inputs;
    private readonly float[] _targets;

    /// <summary>Wraps inputs and targets, row after row.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InconsistentData"/>: the lengths do not give the same number of whole rows.</exception>
    public MemoryBatchSource(Shape inputShape, float[] inputs, float[] targets)
    {
        ArgumentNullException.ThrowIfNull(inputShape);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        Count = inputs.Length / Math.Max(1, inputShape.Count);
        if (Count == 0 || Count * inputShape.Count != inputs.Length || targets.Length % Count != 0 || targets.Length == 0)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InconsistentData, $"Training rows: expected whole rows of the shape {inputShape} and equally many targets, found {inputs.Length} values and {targets.Length} targets.");
        }

        (InputShape, _inputs, _targets) = (inputShape, inputs, targets);
        TargetLength = targets.Length / Count;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public Shape InputShape { get; }

    /// <inheritdoc/>
    public int TargetLength { get; }

    /// <inheritdoc/>
    public void Read(int row, Span<float> input, Span<float> target)
    {
        _inputs.AsSpan(row * InputShape.Count, InputShape.Count).CopyTo(input);
        _targets.AsSpan(row * TargetLength, TargetLength).CopyTo(target);
    }
}

/// <summary>Some rows of another source, in a given order.</summary>
internal sealed class RowsOf(IBatchSource source, int[] rows) : IBatchSource
{
    public int Count => rows.Length;

    public Shape InputShape => source.InputShape;

    public int TargetLength => source.TargetLength;

    public void Read(int row, Span<float> input, Span<float> target) => source.Read(rows[row], input, target);
}

/// <summary>Changes a row's input in place.</summary>
internal delegate void RowChange(int row, Span<float> values);

/// <summary>Orders of rows and batches of them.</summary>
internal static class Batches
{
    private const ulong ShuffleSite = 0x5F1E;

    /// <summary>A permutation of 0 … count − 1: rows by the random number of (seed, step, row), so that it is a pure function of them.</summary>
    public static int[] Permutation(int count, ulong seed, long step)
    {
        var random = new Numerics.CounterRandom(seed, ShuffleSite, (ulong)step);
        int[] rows = [.. Enumerable.Range(0, count)];
        ulong[] keys = [.. rows.Select(r => random.Bits(r))];
        Array.Sort(keys, rows);
        return rows;
    }

    /// <summary>Reads rows into one input tensor, in the given memory or in its own, and one list of targets.</summary>
    public static (Tensor Input, float[] Targets) Read(IBatchSource source, ReadOnlySpan<int> rows, RowChange? change = null, StepMemory? memory = null)
    {
        int length = source.InputShape.Count;
        var shape = new Shape([rows.Length, .. source.InputShape.Dimensions]);
        Tensor input = memory?.Rent(ElementType.Float32, shape) ?? Tensor.Allocate(ElementType.Float32, shape);
        var targets = new float[rows.Length * source.TargetLength];
        for (int i = 0; i < rows.Length; i++)
        {
            Span<float> values = input.Writable<float>().Slice(i * length, length);
            source.Read(rows[i], values, targets.AsSpan(i * source.TargetLength, source.TargetLength));
            change?.Invoke(rows[i], values);
        }

        return (input, targets);
    }

    /// <summary>Batches in the rows' order.</summary>
    public static IEnumerable<int[]> Of(int[] rows, int size)
    {
        for (int first = 0; first < rows.Length; first += size)
        {
            yield return rows[first..Math.Min(first + size, rows.Length)];
        }
    }
}
