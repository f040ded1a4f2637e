using System;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Swaps the two inner axes of [images, rows, columns]: between row-major ([N, C, pixels]) and channels-last ([N, pixels, C]).</summary>
internal sealed unsafe class LayoutStep : BoundStep
{
    private const int Block = 32;

    private readonly int _rows;
    private readonly int _columns;
    private readonly int _size;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _rowBlocks;
    private readonly int _units;

    public LayoutStep(BindContext context, int images, int rows, int columns, int size, int source, int destination)
    {
        _rows = rows;
        _columns = columns;
        _size = size;
        _source = source;
        _destination = destination;
        _rowBlocks = (rows + Block - 1) / Block;
        _units = images * _rowBlocks;
        Chunks = context.Chunks(_units, (long)images * rows * columns * size * 16);
        Work = KernelWork.Flat(KernelOperation.Transpose, 8 * size, (long)images * rows * columns, rows);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int begin = Begin(_units, chunk);
        int end = Begin(_units, chunk + 1);
        switch (_size)
        {
            case 1:
                Turn(buffers.Span<byte>(_source), buffers.Span<byte>(_destination), begin, end, &Turning.Bytes);
                break;
            case 2:
                Swap(buffers.Span<ushort>(_source), buffers.Span<ushort>(_destination), begin, end);
                break;
            case 4:
                Turn(buffers.Span<float>(_source), buffers.Span<float>(_destination), begin, end, &Turning.Floats);
                break;
            default:
                Swap(buffers.Span<ulong>(_source), buffers.Span<ulong>(_destination), begin, end);
                break;
        }
    }

    private void Turn<T>(ReadOnlySpan<T> source, Span<T> destination, int begin, int end, delegate*<T*, int, int, int, T*, int, void> turn)
        where T : unmanaged
    {
        fixed (T* from = source, to = destination)
        {
            for (int unit = begin; unit < end; unit++)
            {
                long start = (long)(unit / _rowBlocks) * _rows * _columns;
                int top = unit % _rowBlocks * Block;
                for (int left = 0; left < _columns; left += Block)
                {
                    turn(
                        from + start + ((long)top * _columns) + left, Math.Min(Block, _rows - top), Math.Min(Block, _columns - left), _columns,
                        to + start + ((long)left * _rows) + top, _rows);
                }
            }
        }
    }

    private void Swap<T>(ReadOnlySpan<T> source, Span<T> destination, int begin, int end)
    {
        int image = _rows * _columns;
        for (int unit = begin; unit < end; unit++)
        {
            int start = unit / _rowBlocks * image;
            int top = unit % _rowBlocks * Block;
            int height = Math.Min(Block, _rows - top);
            for (int left = 0; left < _columns; left += Block)
            {
                SwapBlock(source.Slice(start, image), destination.Slice(start, image), top, left, height);
            }
        }
    }

    private void SwapBlock<T>(ReadOnlySpan<T> source, Span<T> destination, int top, int left, int height)
    {
        int right = Math.Min(left + Block, _columns);
        for (int column = left; column < right; column++)
        {
            Span<T> line = destination.Slice((column * _rows) + top, height);
            int from = (top * _columns) + column;
            for (int row = 0; row < line.Length; row++)
            {
                line[row] = source[from];
                from += _columns;
            }
        }
    }
}
