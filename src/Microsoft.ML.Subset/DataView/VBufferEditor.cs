using System;

namespace Microsoft.ML.Data;

/// <summary>Makes editors, which write into the arrays of a buffer.</summary>
public static class VBufferEditor
{
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination)
        => new(destination.Length, destination.GetValues().Length, destination.ValuesArray,
            destination.IsDense ? null : destination.IndicesArray, destination.IndicesArray, false, false);

    public static VBufferEditor<T> Create<T>(
        ref VBuffer<T> destination,
        int newLogicalLength,
        int? valuesCount = null,
        int? maxValuesCapacity = null,
        bool keepOldOnResize = false,
        bool requireIndicesOnDense = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newLogicalLength);
        int count = valuesCount ?? newLogicalLength;
        if (count < 0 || count > newLogicalLength)
        {
            throw new ArgumentOutOfRangeException(nameof(valuesCount));
        }

        int capacity = Math.Max(count, maxValuesCapacity ?? newLogicalLength);
        T[] values = EnsureSize(destination.ValuesArray, count, capacity, keepOldOnResize, out bool newValues);
        int[] spare = destination.IndicesArray, indices = null;
        bool newIndices = false;
        if (count < newLogicalLength || requireIndicesOnDense)
        {
            indices = spare = EnsureSize(spare, count, capacity, keepOldOnResize, out newIndices);
        }

        return new VBufferEditor<T>(newLogicalLength, count, values, indices, spare, newValues, newIndices);
    }

    private static TItem[] EnsureSize<TItem>(TItem[] array, int min, int max, bool keepOld, out bool isNew)
    {
        int old = array?.Length ?? 0;
        isNew = old < min;
        if (!isNew)
        {
            return array ?? [];
        }

        // Grow by half at least, so that a slowly growing vector does not allocate each time, but never beyond the stated capacity.
        int size = (int)Math.Clamp(old + (long)(old / 2), min, Math.Max(min, max));
        if (keepOld)
        {
            Array.Resize(ref array, size);
            return array;
        }

        return new TItem[size];
    }
}

/// <summary>Writes the next content of a buffer; the content is garbage until written.</summary>
public readonly ref struct VBufferEditor<T>
{
    private readonly int _logicalLength;
    private readonly T[] _values;
    private readonly int[] _indices;

    public readonly Span<T> Values;
    public readonly Span<int> Indices;

    internal VBufferEditor(int logicalLength, int count, T[] values, int[] indices, int[] spareIndices, bool newValues, bool newIndices)
    {
        _logicalLength = logicalLength;
        _values = values;
        _indices = spareIndices;
        Values = values.AsSpan(0, count);
        Indices = indices.AsSpan(0, indices == null ? 0 : count);
        CreatedNewValues = newValues;
        CreatedNewIndices = newIndices;
    }

    public bool CreatedNewValues { get; }

    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(_logicalLength, Values.Length, _values, _indices);

    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        if (physicalValuesCount < 0 || physicalValuesCount > Values.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(physicalValuesCount));
        }

        return new VBuffer<T>(_logicalLength, physicalValuesCount, _values, _indices);
    }
}
