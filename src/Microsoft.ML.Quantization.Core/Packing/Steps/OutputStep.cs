using System;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Copies a slot to the caller's output.</summary>
internal sealed unsafe class OutputStep : BoundStep
{
    private readonly int _output;
    private readonly int _size;
    private readonly int _source;

    /// <param name="output">Index of the output.</param>
    /// <param name="count">Elements.</param>
    /// <param name="size">Bytes of one.</param>
    /// <param name="source">Slot.</param>
    public OutputStep(int output, int count, int size, int source)
    {
        _output = output;
        _size = size;
        _source = source;
        Work = KernelWork.Flat(KernelOperation.Copy, 8, (long)count * size);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        ReadOnlySpan<byte> bytes = buffers.Bytes(_source, _size);
        bytes.CopyTo(new Span<byte>((void*)buffers.Outputs[_output], bytes.Length));
    }
}

/// <summary>Fills a slot with a constant.</summary>
internal sealed class ConstantStep(Tensor values, int destination) : BoundStep
{
    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk) => values.Bytes.Span.CopyTo(buffers.Bytes(destination, values.Type.SizeOf()));
}
