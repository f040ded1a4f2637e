using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// Walks an output in row-major order and tells where each broadcast input stands. Neighbouring axes along which every input moves the same way are merged, so
/// that values of equal shape are one long run.
/// </summary>
internal sealed class BroadcastWalk
{
    private readonly int[] _sizes;
    private readonly int[][] _strides;

    /// <summary>Prepares the walk; the inputs' shapes broadcast to the output's.</summary>
    public BroadcastWalk(Shape output, Shape[] inputs)
    {
        ArgumentNullException.ThrowIfNull(output);
        Count = output.Count;
        var sizes = new List<int>();
        var strides = new List<int>[inputs.Length];
        var steps = new int[inputs.Length];
        Array.Fill(steps, 1);
        for (int i = 0; i < strides.Length; i++)
        {
            strides[i] = [];
        }

        for (int axis = 1; axis <= output.Rank; axis++)
        {
            if (output[-axis] != 1)
            {
                Push(output[-axis], axis, inputs, steps, sizes, strides);
            }
        }

        _sizes = sizes.Count == 0 ? [1] : [.. sizes];
        _strides = Array.ConvertAll(strides, s => s.Count == 0 ? [0] : s.ToArray());
    }

    /// <summary>Elements of the output.</summary>
    public int Count { get; }

    /// <summary>How far an input moves from one output element of a run to the next: 0 or 1.</summary>
    public int Step(int input) => _strides[input][0];

    /// <summary>Where each input stands at an output element.</summary>
    /// <returns>The number of output elements from here to the end of the run.</returns>
    public int Locate(int position, Span<int> offsets)
    {
        int rest = _sizes[0] - (position % _sizes[0]);
        offsets.Clear();
        for (int axis = 0; axis < _sizes.Length; axis++)
        {
            int index = position % _sizes[axis];
            position /= _sizes[axis];
            for (int i = 0; i < offsets.Length; i++)
            {
                offsets[i] += index * _strides[i][axis];
            }
        }

        return rest;
    }

    /// <summary>Adds one axis, counted from the back, or grows the last one.</summary>
    private static void Push(int size, int axis, Shape[] inputs, int[] steps, List<int> sizes, List<int>[] strides)
    {
        bool merge = sizes.Count > 0;
        var wanted = new int[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            bool moves = axis <= inputs[i].Rank && inputs[i][-axis] != 1;
            wanted[i] = moves ? steps[i] : 0;
            steps[i] *= moves ? inputs[i][-axis] : 1;
            merge = merge && wanted[i] == strides[i][^1] * sizes[^1];
        }

        if (merge)
        {
            sizes[^1] *= size;
            return;
        }

        sizes.Add(size);
        for (int i = 0; i < inputs.Length; i++)
        {
            strides[i].Add(wanted[i]);
        }
    }
}
