using System;
using System.Collections;
using System.Collections.Generic;

namespace Microsoft.ML.Data;

/// <summary>A vector, dense or sparse, whose buffers are reused from row to row. Items that are not stored are <c>default</c>.</summary>
public readonly partial struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ThrowIfShort(length, values, nameof(values));
        Length = length;
        _values = values;
        _count = length;
        _indices = indices;
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (count < 0 || count > length)
        {
            throw new ArgumentOutOfRangeException(nameof(count));
        }

        ThrowIfShort(count, values, nameof(values));
        if (count != length)
        {
            ThrowIfShort(count, indices, nameof(indices));
        }

        Length = length;
        _count = count;
        _values = values;
        _indices = indices;
    }

    public bool IsDense => _count == Length;

    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        if (!all && !IsDense)
        {
            for (int i = 0; i < _count; i++)
            {
                yield return new KeyValuePair<int, T>(_indices[i], _values[i]);
            }

            yield break;
        }

        int index = 0;
        foreach (T value in DenseValues())
        {
            yield return new KeyValuePair<int, T>(index++, value);
        }
    }

    public IEnumerable<T> DenseValues()
    {
        int next = 0;
        for (int i = 0; i < Length; i++)
        {
            if (IsDense)
            {
                yield return _values[i];
            }
            else if (next < _count && _indices[next] == i)
            {
                yield return _values[next++];
            }
            else
            {
                yield return default;
            }
        }
    }

    public void GetItemOrDefault(int index, ref T destination) => destination = GetItemOrDefault(index);

    public T GetItemOrDefault(int index)
    {
        if (index < 0 || index >= Length)
        {
            throw new ArgumentOutOfRangeException(nameof(index));
        }

        if (IsDense)
        {
            return _values[index];
        }

        int at = GetIndices().BinarySearch(index);
        return at >= 0 ? _values[at] : default;
    }

    public override string ToString() => IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";

    IEnumerator IEnumerable.GetEnumerator() => Items(all: false).GetEnumerator();

    internal T[] ValuesArray => _values;

    internal int[] IndicesArray => _indices;

    private static void ThrowIfShort<TItem>(int needed, TItem[] array, string name)
    {
        if ((array?.Length ?? 0) < needed)
        {
            throw new ArgumentException("The array is shorter than the count.", name);
        }
    }
}
