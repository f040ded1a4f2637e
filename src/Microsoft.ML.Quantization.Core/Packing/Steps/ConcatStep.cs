using System;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Joins buffers [outer, part] along their inner axis.</summary>
internal sealed class ConcatStep : BoundStep
{
    private readonly int[] _sources;
    private readonly int[] _parts;
    private readonly int _outer;
    private readonly int _total;
    private readonly int _size;
    private readonly int _destination;

    /// <param name="context">The batch.</param>
    /// <param name="outer">Rows.</param>
    /// <param name="sources">Slots.</param>
    /// <param name="parts">Elements of a row of each source.</param>
    /// <param name="size">Bytes of an element.</param>
    /// <param name="destination">Slot.</param>
    public ConcatStep(BindContext context, int outer, int[] sources, int[] parts, int size, int destination)
    {
        _sources = sources;
        _parts = parts;
        _outer = outer;
        _size = size;
        _destination = destination;
        foreach (int part in parts)
        {
            _total += part;
        }

        Chunks = context.Chunks(outer, (long)outer * _total * size * 16);
        Work = KernelWork.Flat(KernelOperation.Copy, 8, (long)outer * _total * size);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int begin = Begin(_outer, chunk);
        int end = Begin(_outer, chunk + 1);
        Span<byte> destination = buffers.Bytes(_destination, _size);
        int offset = 0;
        for (int i = 0; i < _sources.Length; i++)
        {
            int length = _parts[i] * _size;
            ReadOnlySpan<byte> source = buffers.Bytes(_sources[i], _size);
            for (int row = begin; row < end; row++)
            {
                source.Slice(row * length, length).CopyTo(destination.Slice((row * _total * _size) + offset, length));
            }

            offset += length;
        }
    }
}
