using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Copies a slot to the caller's output.</summary>
internal sealed unsafe class OutputStep(int output, int size, int source) : BoundStep
{
    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        ReadOnlySpan<byte> bytes = buffers.Bytes(source, size);
        bytes.CopyTo(new Span<byte>((void*)buffers.Outputs[output], bytes.Length));
    }
}

/// <summary>Fills a slot with a constant.</summary>
internal sealed class ConstantStep(Tensor values, int destination) : BoundStep
{
    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk) => values.Bytes.Span.CopyTo(buffers.Bytes(destination, values.Type.SizeOf()));
}
