using System;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>The numbers of a product of codes; the zero points are those of the two operands.</summary>
internal sealed record GateRule(int ValueZeroPoint, int GateZeroPoint, float Multiplier, int ZeroPoint, int Minimum, int Maximum);

/// <summary>Squeeze and excite: every pixel of channels-last codes [images, pixels, channels] times one gate code [images, channels]; shared out by pixels.</summary>
internal sealed class GateStep : BoundStep
{
    private const int WorkPerElement = 256;

    private readonly GateRule _rule;
    private readonly int _pixels;
    private readonly int _channels;
    private readonly int _rows;
    private readonly int _source;
    private readonly int _gate;
    private readonly int _destination;

    public GateStep(BindContext context, GateRule rule, int images, int pixels, int channels, int source, int gate, int destination)
    {
        _rule = rule;
        _pixels = pixels;
        _channels = channels;
        _rows = images * pixels;
        _source = source;
        _gate = gate;
        _destination = destination;
        Chunks = context.Chunks(_rows, (long)_rows * channels * WorkPerElement);
        Work = KernelWork.Flat(KernelOperation.Gate, 8, (long)_rows * channels, channels);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int end = Begin(_rows, chunk + 1);
        for (int row = Begin(_rows, chunk); row < end; row++)
        {
            Run(
                buffers.Span<byte>(_source).Slice(row * _channels, _channels),
                buffers.Span<byte>(_gate).Slice(row / _pixels * _channels, _channels),
                buffers.Span<byte>(_destination).Slice(row * _channels, _channels));
        }
    }

    private void Run(ReadOnlySpan<byte> source, ReadOnlySpan<byte> gate, Span<byte> destination)
    {
        for (int c = 0; c < destination.Length; c++)
        {
            int product = (source[c] - _rule.ValueZeroPoint) * (gate[c] - _rule.GateZeroPoint);
            destination[c] = (byte)Requantization.Finish(product * _rule.Multiplier, _rule.ZeroPoint, _rule.Minimum, _rule.Maximum);
        }
    }
}
