using System;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Products of two computed values; a chunk is a share of the products, with packed memory of its own.</summary>
internal abstract class MatrixStep : BoundStep
{
    private readonly BindContext _context;
    private readonly bool _codes;

    protected MatrixStep(BindContext context, MatrixProducts products, bool codes)
    {
        _context = context;
        _codes = codes;
        Products = products;
        Chunks = context.Chunks(products.Count, (long)products.Count * products.ResultLength * products.Depth);
        Work = KernelWork.Products(codes, products.Count, products.Rows, products.Depth, products.Columns);
    }

    protected MatrixProducts Products { get; }

    /// <inheritdoc/>
    public override object Prepare(RunBuffers buffers)
    {
        var rooms = new MatrixWork[Chunks];
        for (int i = 0; i < rooms.Length; i++)
        {
            rooms[i] = new MatrixWork(_context.Kernels, Products, _codes);
        }

        return new Rooms(rooms);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        MatrixWork work = ((Rooms)buffers.State!).Works[chunk];
        int end = Begin(Products.Count, chunk + 1);
        for (int i = Begin(Products.Count, chunk); i < end; i++)
        {
            Run(buffers, work, i);
        }
    }

    protected abstract void Run(RunBuffers buffers, MatrixWork work, int index);

    private sealed record Rooms(MatrixWork[] Works) : IDisposable
    {
        public void Dispose()
        {
            foreach (MatrixWork work in Works)
            {
                work.Dispose();
            }
        }
    }
}

/// <summary>Products of floats.</summary>
internal sealed class FloatMatrixStep(BindContext context, MatrixProducts products, int left, int right, int destination) : MatrixStep(context, products, codes: false)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, MatrixWork work, int index)
        => work.Floats(index, buffers.Span<float>(left), buffers.Span<float>(right), buffers.Span<float>(destination));
}

/// <summary>Products of codes with their epilogue; the right codes less their zero point are signed bytes.</summary>
internal sealed class CodeMatrixStep(BindContext context, MatrixProducts products, int leftZero, int rightZero, EpilogueData epilogue, int left, int right, int destination)
    : MatrixStep(context, products, codes: true)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, MatrixWork work, int index) => work.Codes(
        index,
        buffers.Span<byte>(left),
        leftZero,
        buffers.Span<byte>(right),
        rightZero,
        rightZero,
        epilogue.Bind(buffers),
        buffers.Bytes(destination, epilogue.OutputSize),
        epilogue.OutputSize);
}
